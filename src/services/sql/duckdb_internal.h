/* What firn uses of DuckDB's C API, declared by ourselves: types, numbers, and one table of functions that
 * is filled by dlopen and dlsym, so that nothing links to the library. Numbers and layouts are those of the
 * C API of DuckDB 1.5, which it promises to keep.
 *
 * Only engine*.c and duck_*.c include this. */
#ifndef FIRN_SERVICES_SQL_DUCKDB_INTERNAL_H
#define FIRN_SERVICES_SQL_DUCKDB_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Handles. Each is a type of its own, so that the compiler tells them apart. */
typedef struct duck_database *duck_database;
typedef struct duck_connection *duck_connection;
typedef struct duck_client *duck_client; /* a connection's context */
typedef struct duck_config *duck_config;
typedef struct duck_statements *duck_statements; /* of a text */
typedef struct duck_prepared *duck_prepared;
typedef struct duck_pending *duck_pending;
typedef struct duck_type *duck_type;
typedef struct duck_chunk *duck_chunk;
typedef struct duck_vector *duck_vector;
typedef struct duck_value *duck_value;
typedef struct duck_table_function *duck_table_function;
typedef struct duck_bind_info *duck_bind_info;
typedef struct duck_init_info *duck_init_info;
typedef struct duck_function_info *duck_function_info;

typedef struct duck_result { /* passed by value in places: its size is part of the interface */
  uint64_t deprecated_counts[3];
  void *deprecated_columns;
  char *deprecated_error;
  void *internal;
} duck_result;

typedef struct duck_progress {
  double percentage; /* negative: unknown */
  uint64_t n_done, n_all;
} duck_progress;

typedef enum duck_state { DUCK_SUCCESS = 0, DUCK_ERROR = 1 } duck_state;

typedef enum duck_pending_state {
  DUCK_PENDING_READY = 0,
  DUCK_PENDING_NOT_READY = 1,
  DUCK_PENDING_ERROR = 2,
  DUCK_PENDING_NO_TASKS = 3,
} duck_pending_state;

typedef enum duck_result_kind {
  DUCK_RESULT_INVALID = 0,
  DUCK_RESULT_CHANGED_ROWS = 1,
  DUCK_RESULT_NOTHING = 2,
  DUCK_RESULT_ROWS = 3,
} duck_result_kind;

typedef enum duck_statement_kind { /* those that are told apart here */
                                   DUCK_STATEMENT_SELECT = 1,
                                   DUCK_STATEMENT_CREATE = 7,
} duck_statement_kind;

typedef enum duck_type_id {
  DUCK_INVALID = 0,
  DUCK_BOOLEAN = 1,
  DUCK_TINYINT = 2,
  DUCK_SMALLINT = 3,
  DUCK_INTEGER = 4,
  DUCK_BIGINT = 5,
  DUCK_UTINYINT = 6,
  DUCK_USMALLINT = 7,
  DUCK_UINTEGER = 8,
  DUCK_UBIGINT = 9,
  DUCK_FLOAT = 10,
  DUCK_DOUBLE = 11,
  DUCK_TIMESTAMP = 12,
  DUCK_DATE = 13,
  DUCK_TIME = 14,
  DUCK_INTERVAL = 15,
  DUCK_HUGEINT = 16,
  DUCK_VARCHAR = 17,
  DUCK_BLOB = 18,
  DUCK_DECIMAL = 19,
  DUCK_TIMESTAMP_S = 20,
  DUCK_TIMESTAMP_MS = 21,
  DUCK_TIMESTAMP_NS = 22,
  DUCK_ENUM = 23,
  DUCK_LIST = 24,
  DUCK_STRUCT = 25,
  DUCK_MAP = 26,
  DUCK_UUID = 27,
  DUCK_UNION = 28,
  DUCK_BIT = 29,
  DUCK_TIME_TZ = 30,
  DUCK_TIMESTAMP_TZ = 31,
  DUCK_UHUGEINT = 32,
  DUCK_ARRAY = 33,
  DUCK_BIGNUM = 35,
  DUCK_SQLNULL = 36,
  DUCK_TIME_NS = 39,
  DUCK_GEOMETRY = 40,
  DUCK_VARIANT = 41,
} duck_type_id;

/* Values as they lie in vectors. */
enum { DUCK_TEXT_INLINE = 12 /* bytes of a text that stand in the vector itself, zeros behind them */ };

typedef union duck_text { /* VARCHAR, BLOB, BIT, BIGNUM, GEOMETRY */
  struct {
    uint32_t len;
    char inlined[DUCK_TEXT_INLINE];
  };
  struct {
    uint32_t len_again;
    char prefix[4];
    const char *at;
  } far;
} duck_text;
_Static_assert(sizeof(duck_text) == 16, "as the engine has it");

typedef struct duck_list_entry {
  uint64_t offset, len;
} duck_list_entry;

typedef struct duck_hugeint {
  uint64_t lower;
  int64_t upper;
} duck_hugeint;

typedef struct duck_interval {
  int32_t months, days;
  int64_t micros;
} duck_interval;

typedef void (*duck_delete)(void *data);
typedef void (*duck_bind_callback)(duck_bind_info info);
typedef void (*duck_init_callback)(duck_init_info info);
typedef void (*duck_callback)(duck_function_info info, duck_chunk output);

/* X(what it gives back, its name without "duckdb_", its parameters) */
#define DUCK_FUNCTIONS(X)                                                                              \
  X(const char *, library_version, (void))                                                             \
  X(void, free, (void *at))                                                                            \
  /* Databases and connections */                                                                      \
  X(duck_state, create_config, (duck_config * out))                                                    \
  X(duck_state, set_config, (duck_config config, const char *name, const char *value))                 \
  X(void, destroy_config, (duck_config * config))                                                      \
  X(duck_state, open_ext, (const char *path, duck_database *out, duck_config config, char **error))    \
  X(void, close, (duck_database * database))                                                           \
  X(duck_state, connect, (duck_database database, duck_connection * out))                              \
  X(void, disconnect, (duck_connection * connection))                                                  \
  X(void, interrupt, (duck_connection connection))                                                     \
  X(duck_progress, query_progress, (duck_connection connection))                                       \
  X(void, connection_get_client_context, (duck_connection connection, duck_client * out))              \
  X(uint64_t, client_context_get_connection_id, (duck_client client))                                  \
  X(void, destroy_client_context, (duck_client * client))                                              \
  /* Statements */                                                                                     \
  X(duck_state, query, (duck_connection connection, const char *sql, duck_result *out))                \
  X(uint64_t, extract_statements, (duck_connection connection, const char *sql, duck_statements *out)) \
  X(const char *, extract_statements_error, (duck_statements statements))                              \
  X(void, destroy_extracted, (duck_statements * statements))                                           \
  X(duck_state, prepare_extracted_statement,                                                           \
    (duck_connection connection, duck_statements statements, uint64_t i, duck_prepared *out))          \
  X(duck_state, prepare, (duck_connection connection, const char *sql, duck_prepared *out))            \
  X(duck_statement_kind, prepared_statement_type, (duck_prepared prepared))                            \
  X(const char *, prepare_error, (duck_prepared prepared))                                             \
  X(duck_state, bind_varchar, (duck_prepared prepared, uint64_t parameter, const char *value))         \
  X(void, destroy_prepare, (duck_prepared * prepared))                                                 \
  X(duck_state, pending_prepared_streaming, (duck_prepared prepared, duck_pending * out))              \
  X(duck_pending_state, pending_execute_task, (duck_pending pending))                                  \
  X(const char *, pending_error, (duck_pending pending))                                               \
  X(duck_state, execute_pending, (duck_pending pending, duck_result * out))                            \
  X(void, destroy_pending, (duck_pending * pending))                                                   \
  /* Results */                                                                                        \
  X(const char *, result_error, (duck_result * result))                                                \
  X(duck_result_kind, result_return_type, (duck_result result))                                        \
  X(uint64_t, column_count, (duck_result * result))                                                    \
  X(const char *, column_name, (duck_result * result, uint64_t column))                                \
  X(duck_type, column_logical_type, (duck_result * result, uint64_t column))                           \
  X(duck_chunk, fetch_chunk, (duck_result result))                                                     \
  X(void, destroy_result, (duck_result * result))                                                      \
  X(void, destroy_data_chunk, (duck_chunk * chunk))                                                    \
  /* Types */                                                                                          \
  X(duck_type, create_logical_type, (duck_type_id id))                                                 \
  X(duck_type, create_decimal_type, (uint8_t precision, uint8_t scale))                                \
  X(duck_type, create_list_type, (duck_type element))                                                  \
  X(duck_type, create_map_type, (duck_type key, duck_type value))                                      \
  X(duck_type, create_struct_type, (duck_type * members, const char **names, uint64_t n))              \
  X(void, destroy_logical_type, (duck_type * type))                                                    \
  X(duck_type_id, get_type_id, (duck_type type))                                                       \
  X(uint8_t, decimal_width, (duck_type type))                                                          \
  X(uint8_t, decimal_scale, (duck_type type))                                                          \
  X(duck_type, list_type_child_type, (duck_type type))                                                 \
  X(duck_type, array_type_child_type, (duck_type type))                                                \
  X(uint64_t, array_type_array_size, (duck_type type))                                                 \
  X(duck_type, map_type_key_type, (duck_type type))                                                    \
  X(duck_type, map_type_value_type, (duck_type type))                                                  \
  X(uint64_t, struct_type_child_count, (duck_type type))                                               \
  X(char *, struct_type_child_name, (duck_type type, uint64_t i))                                      \
  X(duck_type, struct_type_child_type, (duck_type type, uint64_t i))                                   \
  X(uint64_t, union_type_member_count, (duck_type type))                                               \
  X(duck_type, union_type_member_type, (duck_type type, uint64_t i))                                   \
  X(duck_type_id, enum_internal_type, (duck_type type))                                                \
  X(uint32_t, enum_dictionary_size, (duck_type type))                                                  \
  X(char *, enum_dictionary_value, (duck_type type, uint64_t i))                                       \
  /* Chunks and vectors */                                                                             \
  X(uint64_t, data_chunk_get_column_count, (duck_chunk chunk))                                         \
  X(uint64_t, data_chunk_get_size, (duck_chunk chunk))                                                 \
  X(void, data_chunk_set_size, (duck_chunk chunk, uint64_t size))                                      \
  X(duck_vector, data_chunk_get_vector, (duck_chunk chunk, uint64_t column))                           \
  X(duck_type, vector_get_column_type, (duck_vector vector))                                           \
  X(void *, vector_get_data, (duck_vector vector))                                                     \
  X(uint64_t *, vector_get_validity, (duck_vector vector))                                             \
  X(void, vector_ensure_validity_writable, (duck_vector vector))                                       \
  X(duck_vector, list_vector_get_child, (duck_vector vector))                                          \
  X(uint64_t, list_vector_get_size, (duck_vector vector))                                              \
  X(duck_state, list_vector_set_size, (duck_vector vector, uint64_t size))                             \
  X(duck_state, list_vector_reserve, (duck_vector vector, uint64_t capacity))                          \
  X(duck_vector, struct_vector_get_child, (duck_vector vector, uint64_t i))                            \
  X(duck_vector, array_vector_get_child, (duck_vector vector))                                         \
  /* Table functions */                                                                                \
  X(duck_table_function, create_table_function, (void))                                                \
  X(void, destroy_table_function, (duck_table_function * function))                                    \
  X(void, table_function_set_name, (duck_table_function function, const char *name))                   \
  X(void, table_function_add_parameter, (duck_table_function function, duck_type type))                \
  X(void, table_function_set_extra_info, (duck_table_function function, void *info, duck_delete with)) \
  X(void, table_function_set_bind, (duck_table_function function, duck_bind_callback bind))            \
  X(void, table_function_set_init, (duck_table_function function, duck_init_callback init))            \
  X(void, table_function_set_local_init, (duck_table_function function, duck_init_callback init))      \
  X(void, table_function_set_function, (duck_table_function function, duck_callback callback))         \
  X(void, table_function_supports_projection_pushdown, (duck_table_function function, bool yes))       \
  X(duck_state, register_table_function, (duck_connection connection, duck_table_function function))   \
  X(void *, bind_get_extra_info, (duck_bind_info info))                                                \
  X(void, table_function_get_client_context, (duck_bind_info info, duck_client * out))                 \
  X(duck_value, bind_get_parameter, (duck_bind_info info, uint64_t i))                                 \
  X(int64_t, get_int64, (duck_value value))                                                            \
  X(void, destroy_value, (duck_value * value))                                                         \
  X(void, bind_add_result_column, (duck_bind_info info, const char *name, duck_type type))             \
  X(void, bind_set_bind_data, (duck_bind_info info, void *data, duck_delete with))                     \
  X(void, bind_set_cardinality, (duck_bind_info info, uint64_t n_rows, bool is_exact))                 \
  X(void, bind_set_error, (duck_bind_info info, const char *error))                                    \
  X(void *, init_get_bind_data, (duck_init_info info))                                                 \
  X(void, init_set_init_data, (duck_init_info info, void *data, duck_delete with))                     \
  X(uint64_t, init_get_column_count, (duck_init_info info))                                            \
  X(uint64_t, init_get_column_index, (duck_init_info info, uint64_t i))                                \
  X(void, init_set_max_threads, (duck_init_info info, uint64_t n))                                     \
  X(void, init_set_error, (duck_init_info info, const char *error))                                    \
  X(void *, function_get_init_data, (duck_function_info info))                                         \
  X(void *, function_get_local_init_data, (duck_function_info info))                                   \
  X(void, function_set_error, (duck_function_info info, const char *error))

#define DUCK_POINTER(gives, name, parameters) gives(*name) parameters;
typedef struct duck_api {
  DUCK_FUNCTIONS(DUCK_POINTER)
} duck_api;

/* Opens the library at `path`; NULL: beside the program, in ../lib from there, and where the system looks.
 * It stays open until the program ends: its threads and caches outlive any database. A program has one.
 * FIRN_NOT_FOUND says how to get it, FIRN_UNSUPPORTED that it is no 1.5. */
FIRN_MUST_USE firn_status firn_duck_api_load(const char *path, const duck_api **out, firn_error *err);

/* The functions, once loaded, for the engine's callbacks. */
const duck_api *firn_duck_api(void);

#endif
