/* The fast reader with AVX2: blocks of 32 bytes. */
#if defined(__x86_64__)

#include "base/json_internal.h"

#include <immintrin.h>

#define BLOCK 32
#define TARGET __attribute__((target("avx2,bmi")))

TARGET static inline __attribute__((always_inline)) uint32_t special_in(const uint8_t *p) {
  __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
  __m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
  __m256i slash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
  __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1F)), v);
  __m256i any = _mm256_or_si256(_mm256_or_si256(quote, slash), _mm256_or_si256(control, v));
  return (uint32_t)_mm256_movemask_epi8(any); /* of `v` itself the top bits: what is not ASCII */
}

TARGET static inline __attribute__((always_inline)) uint32_t digits_in(const uint8_t *p) {
  __m256i v = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)p), _mm256_set1_epi8('0'));
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(9)), v));
}

#include "base/json_fast.inc"

const firn_json_reader firn_json_avx2 = FAST_READER;

#else
typedef int firn_json_avx2_is_for_x86_64; /* a file must declare something */
#endif
