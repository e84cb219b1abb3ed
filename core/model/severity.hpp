// Why: how soon a person must look, in the words that pagers use.
#pragma once

namespace leverd {

// critical wakes a person, warning is for working hours, info is for the record.
enum class Severity { info, warning, critical };

}  // namespace leverd
