// Whether what is to be forgotten is also to be kept, or stands more than once.
#pragma once

#include "unlearn/data/layout.h"

namespace unlearn::data {

// UserError (a warning with data.allow_overlap or data.drop_overlap) when a forget example is a
// retain example too, as both are trained on: the same tokens, or the same text but for case and
// white space. Where the layout compares lines, also when both have a line of some length in
// common. Returns which of the retain examples data.drop_overlap takes out, whole rows of them;
// empty: none. Linear in the size of the data.
std::vector<char> check_overlap(const SplitSource& source, const Layout& layout,
                                const Split& forget, const Split& retain);

// Forget rows that are the same but for case and white space: UserError that names them where the
// layout refuses that; a warning elsewhere, of chunks of one text, and with data.allow_overlap.
void check_repeats(const SplitSource& source, const Layout& layout, const Split& forget);

}  // namespace unlearn::data
