# docs/man/*.md become arrays in the program, for `firn help PAGE`: written once, read in both places.

function(firn_pages room)
  firn_target_of(${room} target)
  file(GLOB pages RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS docs/man/*.md)
  set(arrays "")
  set(entries "")
  foreach(path ${pages})
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char page_${name}[] = {${bytes}0};\n")
    string(APPEND entries "    {\"${name}\", (const char *)page_${name}},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  endforeach()
  file(CONFIGURE OUTPUT pages.c @ONLY CONTENT
       "#include \"apps/firn/pages.h\"\n\n${arrays}\nconst firn_page firn_pages[] = {\n${entries}    {0},\n};\n")
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/pages.c)
endfunction()
