# Programs that make the figures we quote: every bench/X.c becomes the program bench_X, linked with every room. Only with
# -DFIRN_BENCH=ON, and only worth running from a release build.
function(firn_benches)
  add_custom_target(bench) # all of them
  file(GLOB found RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS bench/*.c)
  foreach(path ${found})
    string(REGEX REPLACE "^bench/|\\.c$" "" name ${path})
    add_executable(bench_${name} ${path})
    target_link_libraries(bench_${name} PRIVATE firn_all)
    add_dependencies(bench bench_${name})
  endforeach()
endfunction()
