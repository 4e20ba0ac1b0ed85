# Tests are found, not listed. ctest names a test by its path and gives it the label of its kind:
#
#   src/**/X_test.c              unit          linked with the room it lies in (firn_test, called by rooms.cmake)
#   tests/conformance/X_test.c   conformance   linked with every room
#   tests/interop/X.c            -             a program that scripts beside it run; X_peer.c a library that they load
#   tests/interop/X_test.py      interop       run with the build folder as argument; exit status 77 says skipped
#   tests/end_to_end/X.sh, X.py  end_to_end    the same
#   fuzz/X_fuzz.c                fuzz          replays fuzz/seeds/X/*; under FIRN_FUZZ the fuzzer itself is built instead
#   tests/X_test.py              lint          tests of the tools; they need no build
#
# What is called X_full_test.c or X_full_test.py has the label `full` instead: it takes long, and only ./check --full runs it.
# A unit test that uses threads has the label `threads` too; a build with FIRN_SANITIZE=thread makes only those.

function(firn_test path target)
  string(REGEX REPLACE "^src/|^tests/|\\.c$" "" name ${path})
  string(REPLACE "/" "_" program ${name})
  set(labels unit)
  if(path MATCHES "^tests/([a-z_]+)/")
    set(labels ${CMAKE_MATCH_1})
  endif()
  if(path MATCHES "_full_test\\.c$")
    set(labels full)
  endif()
  # Found by what it calls, so that nobody can forget to say it.
  file(STRINGS ${CMAKE_SOURCE_DIR}/${path} threaded REGEX "firn_pool_open|pthread_create")
  if(threaded)
    list(APPEND labels threads)
  elseif(FIRN_SANITIZE STREQUAL "thread")
    return()
  endif()
  add_executable(${program} ${path} tests/test.c)
  target_include_directories(${program} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${program} PRIVATE ${target} PkgConfig::cmocka)
  add_test(NAME ${name} COMMAND ${program} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${labels}"
                       ENVIRONMENT LOCPATH=${CMAKE_SOURCE_DIR}/.cache/locale) # tools/setup makes one with a decimal comma
endfunction()

# A script of `kind`, run by `interpreter` with the build folder as its one argument.
function(firn_script_test path kind interpreter)
  string(REGEX REPLACE "^tests/|\\.(py|sh)$" "" name ${path})
  set(label ${kind})
  if(path MATCHES "_full_test\\.py$")
    set(label full)
  endif()
  add_test(NAME ${name} COMMAND ${interpreter} ${CMAKE_SOURCE_DIR}/${path} ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS ${label} SKIP_RETURN_CODE 77
                       ENVIRONMENT "PYTHONPATH=${CMAKE_SOURCE_DIR}/tests;PYTHONDONTWRITEBYTECODE=1")
endfunction()

# One fuzz target. Without FIRN_FUZZ, fuzz/replay.c is its main: each seed as it is, then cut and with bytes flipped.
function(firn_fuzz path)
  string(REGEX REPLACE "^fuzz/|_fuzz\\.c$" "" name ${path})
  set(seeds ${CMAKE_SOURCE_DIR}/fuzz/seeds/${name})
  if(FIRN_FUZZ)
    add_executable(fuzz_${name} ${path})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${path} fuzz/replay.c)
    add_test(NAME fuzz/${name} COMMAND fuzz_${name} ${seeds} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
  endif()
  target_link_libraries(fuzz_${name} PRIVATE firn_all)
endfunction()

# X_peer.c becomes X_peer.so, which scripts load: compiled apart, position independent and without sanitizers, with the two
# rooms below everything.
function(firn_interop_module path name)
  file(GLOB sources CONFIGURE_DEPENDS src/base/*.c src/column/*.c)
  list(FILTER sources EXCLUDE REGEX "_test\\.c$")
  add_library(${name} MODULE ${path} ${sources})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE FIRN_VERSION="${PROJECT_VERSION}")
  target_compile_options(${name} PRIVATE -fvisibility=hidden)
  firn_target_of(base base)
  get_target_property(libraries ${base} LINK_LIBRARIES)
  list(REMOVE_ITEM libraries firn_flags)
  target_link_libraries(${name} PRIVATE ${libraries})
endfunction()

# A program for the scripts of tests/interop, in the build folder under its own name.
function(firn_interop_program path)
  get_filename_component(name ${path} NAME_WE)
  if(name MATCHES "_peer$")
    firn_interop_module(${path} ${name})
    return()
  endif()
  add_executable(${name} ${path})
  target_link_libraries(${name} PRIVATE firn_all)
endfunction()

function(firn_tests)
  if(NOT FIRN_SANITIZE STREQUAL "thread")
    file(GLOB fuzzers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS fuzz/*_fuzz.c)
    foreach(path ${fuzzers})
      firn_fuzz(${path})
    endforeach()
  endif()
  if(FIRN_FUZZ)
    return()
  endif()
  file(GLOB conformance RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/conformance/*_test.c)
  foreach(path ${conformance})
    firn_test(${path} firn_all)
  endforeach()
  if(FIRN_SANITIZE STREQUAL "thread")
    return()
  endif()
  file(GLOB helpers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/interop/*.c)
  foreach(path ${helpers})
    firn_interop_program(${path})
  endforeach()
  set(python ${CMAKE_SOURCE_DIR}/tools/python)
  file(GLOB interop RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/interop/*_test.py)
  foreach(path ${interop})
    firn_script_test(${path} interop ${python})
  endforeach()
  file(GLOB end_to_end RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/end_to_end/*.py)
  foreach(path ${end_to_end})
    firn_script_test(${path} end_to_end ${python})
  endforeach()
  file(GLOB end_to_end RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/end_to_end/*.sh)
  foreach(path ${end_to_end})
    firn_script_test(${path} end_to_end bash)
  endforeach()
  file(GLOB tools RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS tests/*_test.py)
  foreach(path ${tools})
    firn_script_test(${path} lint ${python})
  endforeach()
endfunction()
