// Why: every run of the sandbox has its own throw-away CA, so that nothing needs to be trusted
// beyond one directory and one run.
#pragma once

#include <string>

namespace sandbox {

struct Certificates {
    std::string ca_pem;    // to be trusted by the client under test
    std::string leaf_pem;  // *.sandbox.test, sandbox.test, localhost, 127.0.0.1
    std::string leaf_key_pem;
};

// A P-256 CA and a leaf, valid from an hour ago for 30 days. Throws std::runtime_error when OpenSSL
// refuses.
Certificates make_certificates();

}  // namespace sandbox
