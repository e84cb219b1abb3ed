// Why: whoever echoes a secret rarely echoes it as it is: it comes back in JSON, in a URL, in HTML,
// in hexadecimal or inside the base64 of "user:secret", and in several of these at once. To list
// all coats of a secret is hopeless (the base64 depends on what stands around it), so the coats are
// taken off the text instead. Private to core/base.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace leverd {

struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;  // one past the last
};

// Takes a text, or a part of it, with one coat off; `back` says where a stretch of it stood.
using Back = std::function<Span(Span)>;
using TakeBare = std::function<void(std::string_view bytes, const Back& back)>;

// Calls `take` with every reading of `text` with one coat off: JSON escapes, percent encoding, HTML
// entities (each over the whole text), base64 and base64url with or without line breaks at every
// alignment, and hexadecimal with or without separators (each over the runs of its letters).
// `text` is shorter than 4 GiB.
void take_off_coats(std::string_view text, const TakeBare& take);

}  // namespace leverd
