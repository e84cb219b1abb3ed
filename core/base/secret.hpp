// Why: a secret must not reach a log, metric, ledger, page, answer or error text by accident, so it
// is a type of its own that no formatter or JSON codec accepts; `reveal()` is the one word to grep
// for. Making one also teaches the redactor (redact.hpp), so that no secret is used before it is
// masked and nobody has to remember to say so.
#pragma once

#include <memory>
#include <string>

namespace leverd {

class Secret {
  public:
    Secret() = default;
    // From here on the redactor masks it, until a day after its last copy is gone.
    explicit Secret(std::string value);
    // For bytes that merely hold secrets, such as a whole request, or that are made anew for each
    // message, such as a signature: overwritten like a secret, but not known to the redactor.
    static Secret unlisted(std::string value);

    bool empty() const { return !value_ || value_->empty(); }
    const std::string& reveal() const;

  private:
    std::shared_ptr<const std::string> value_;  // shared by copies; the last one overwrites it
};

// Compares without leaking the position of the first difference through timing. An empty secret
// equals nothing, so that a token nobody configured lets nobody in.
bool equal_constant_time(const Secret& a, const std::string& b);

// Overwrites all bytes that the string has room for, and empties it.
void wipe(std::string& bytes);

}  // namespace leverd
