// Why: the freeze receipts say which image digest each runtime must have and which workflows are
// off. They are written by a script with silent holes (wire-contracts 10), so they are read line by
// line and every line that says nothing is reported; a receipt is usable per runtime.
#pragma once

#include "core/base/result.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

struct ReceiptIssue {
    int line = 0;  // 1-based
    std::string text;

    friend bool operator==(const ReceiptIssue&, const ReceiptIssue&) = default;
};

// digests-<TS>.txt: "hermes: sha256:<64 hex>" and every looser form of the reader grammar.
struct DigestReceipt {
    std::map<std::string, std::string> digests;  // "hermes", "platform" -> "sha256:<64 hex>"
    std::vector<ReceiptIssue> issues;            // lines that could not be read
    bool conflicting = false;  // one key with two digests: nothing of the file is to be used, and
                               // `digests` is empty
};
DigestReceipt parse_digest_receipt(std::string_view text);

// disabled-workflows-<TS>.txt: "Molecule-AI/molecule-core: publish-runtime.yml".
struct WorkflowReceipt {
    std::vector<std::pair<std::string, std::string>> workflows;  // owner/repo, file; no duplicates
    std::vector<ReceiptIssue> issues;
};
WorkflowReceipt parse_workflow_receipt(std::string_view text);

// Small local files; an Error names the path. At most 1 MiB.
Result<DigestReceipt> read_digest_receipt(const std::string& path);
Result<WorkflowReceipt> read_workflow_receipt(const std::string& path);

// "ghcr.io/molecule-ai/workspace-template-hermes:latest" -> "hermes", "molecule-ai/platform" ->
// "platform".
std::string receipt_key(std::string_view image);

// The receipt's digest of a repository ("molecule-ai/workspace-template-hermes"); nullopt when it
// is not there.
std::optional<std::string> receipt_digest(const DigestReceipt& receipt,
                                          std::string_view repository);

}  // namespace leverd::stack
