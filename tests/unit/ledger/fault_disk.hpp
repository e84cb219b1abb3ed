// Why: a disk that fails at the Nth write or flush, put between SQLite and the real one.
#pragma once

namespace leverd::test {

enum class DiskFault {
    write_error,  // nothing is written, EIO
    write_full,   // nothing is written, ENOSPC
    sync_error,   // what was written may be found again or not, EIO
};

// Makes the failing disk SQLite's default one; it behaves until told otherwise. Idempotent.
void install_fault_disk();

// The `nth` operation of this sort from now on (1 is the next) fails, and all after it when
// `stays`.
void arm_fault_disk(DiskFault fault, int nth, bool stays);
// Back to normal. True when something failed since it was armed.
bool disarm_fault_disk();

// Flushes of write-ahead logs since the process began.
int log_syncs();

}  // namespace leverd::test
