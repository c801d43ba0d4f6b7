# cmake -DOUTPUT=FILE.cpp -DFILES=NAME=PATH|NAME=PATH… -P embed_files.cmake: files as texts of a
# program (src/report/assets.h).
string(REPLACE "|" ";" FILES "${FILES}")
set(table "")
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]*)=(.*)$" entry "${entry}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" text)
  string(FIND "${text}" ")unlearn\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${CMAKE_MATCH_2}: holds the end of a raw string, )unlearn\"")
  endif()
  string(APPEND table "    {\"${name}\", R\"unlearn(${text})unlearn\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made by cmake/embed_files.cmake.
#include \"report/assets.h\"

#include <map>

namespace unlearn::report {

std::string_view asset(std::string_view name) {
  static const std::map<std::string_view, std::string_view> table = {
${table}  };
  const auto found = table.find(name);
  return found == table.end() ? std::string_view() : found->second;
}

}  // namespace unlearn::report
")
