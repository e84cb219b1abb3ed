// Why: see fault_disk.hpp. A SQLite VFS whose file methods count, fail or pass on.
#include "tests/unit/ledger/fault_disk.hpp"

#include <sqlite3.h>

#include <atomic>
#include <string_view>

namespace leverd::test {

namespace {

struct File {
    sqlite3_file base;
    sqlite3_file* real;
    bool is_log;
};

std::atomic<int> fault_kind{0};
std::atomic<int> left{0};  // operations until one fails; 0: never
std::atomic<bool> stays_failed{false};
std::atomic<bool> tripped{false};
std::atomic<int> syncs{0};
sqlite3_vfs* real_disk = nullptr;

sqlite3_file* real(sqlite3_file* f) {
    return reinterpret_cast<File*>(f)->real;
}

bool fails(DiskFault fault) {
    if (left.load() <= 0 || fault_kind.load() != static_cast<int>(fault)) {
        return false;
    }
    if (left.load() > 1) {
        --left;
        return false;
    }
    tripped = true;
    if (!stays_failed) {
        left = 0;
    }
    return true;
}

int close_file(sqlite3_file* f) {
    return real(f)->pMethods->xClose(real(f));
}
int read_file(sqlite3_file* f, void* to, int amount, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, amount, at);
}
int write_file(sqlite3_file* f, const void* from, int amount, sqlite3_int64 at) {
    if (fails(DiskFault::write_error)) {
        return SQLITE_IOERR_WRITE;
    }
    if (fails(DiskFault::write_full)) {
        return SQLITE_FULL;
    }
    return real(f)->pMethods->xWrite(real(f), from, amount, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
    return real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
    if (reinterpret_cast<File*>(f)->is_log) {
        ++syncs;
    }
    return fails(DiskFault::sync_error) ? SQLITE_IOERR_FSYNC
                                        : real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
}
int lock_file(sqlite3_file* f, int level) {
    return real(f)->pMethods->xLock(real(f), level);
}
int unlock_file(sqlite3_file* f, int level) {
    return real(f)->pMethods->xUnlock(real(f), level);
}
int check_reserved(sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
int file_control(sqlite3_file* f, int op, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}
int sector_size(sqlite3_file* f) {
    return real(f)->pMethods->xSectorSize(real(f));
}
int characteristics(sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) {
    real(f)->pMethods->xShmBarrier(real(f));
}
int shm_unmap(sqlite3_file* f, int remove) {
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

const sqlite3_io_methods methods{
    2,         close_file,  read_file,      write_file,   truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_reserved, file_control, sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,      nullptr,      nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
    auto* file = reinterpret_cast<File*>(f);
    file->base.pMethods = nullptr;
    file->real = reinterpret_cast<sqlite3_file*>(file + 1);
    file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    const int code = real_disk->xOpen(real_disk, name, file->real, flags, out_flags);
    if (code == SQLITE_OK) {
        file->base.pMethods = &methods;
    }
    return code;
}

}  // namespace

void install_fault_disk() {
    static sqlite3_vfs disk;
    if (real_disk != nullptr) {
        return;
    }
    real_disk = sqlite3_vfs_find(nullptr);
    disk = *real_disk;
    disk.zName = "leverd-fault";
    disk.pNext = nullptr;
    disk.szOsFile = static_cast<int>(sizeof(File)) + real_disk->szOsFile;
    disk.xOpen = open_file;
    sqlite3_vfs_register(&disk, 1);
}

void arm_fault_disk(DiskFault fault, int nth, bool stays) {
    fault_kind = static_cast<int>(fault);
    stays_failed = stays;
    tripped = false;
    left = nth;
}

bool disarm_fault_disk() {
    left = 0;
    return tripped;
}

int log_syncs() {
    return syncs;
}

}  // namespace leverd::test
