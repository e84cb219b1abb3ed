// Why: every fallible function in leverd answers with a value or one Error that a person can act
// on. Third-party exceptions end in the file that calls the third party; nothing above it throws.
#pragma once

#include <boost/system/result.hpp>

#include <string>

namespace leverd {

// What went wrong and the next step. Neither text may carry a secret.
struct Error {
    std::string what;
    std::string hint;

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T>
using Result = boost::system::result<T, Error>;

// Adds the caller's context in front, once per layer: "read receipt: no such file".
inline Error wrap(const std::string& context, const Error& cause) {
    return Error{context + ": " + cause.what, cause.hint};
}

}  // namespace leverd
