// A page of plain prose that has nothing to do with anyone's data (data/general_text.txt).
#pragma once

#include <string>
#include <vector>

namespace unlearn::eval::own_data {

const char* general_text();  // the whole page, built into the program
std::vector<std::string> general_paragraphs();

}  // namespace unlearn::eval::own_data
