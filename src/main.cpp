#include "unlearn/commands/program.h"

int main(int argc, char** argv) { return unlearn::commands::run_program({argv + 1, argv + argc}); }
