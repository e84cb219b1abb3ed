// Why: see secret_safe.hpp. A file is written aside, flushed and then renamed, so that a kill or a
// power cut leaves all of it or nothing.
#include "core/base/secret_safe.hpp"

#include "core/base/hmac.hpp"
#include "core/base/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace leverd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view magic = "leverd-sealed-1\n";
constexpr std::string_view purpose = "leverd sealed secret values, 1";
constexpr std::string_view suffix = ".sealed";
constexpr std::size_t key_bytes = 32;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t file_bytes_max = 4U << 20;

using Bytes = std::vector<unsigned char>;

struct Cipher {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    Cipher() = default;
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;
    ~Cipher() { EVP_CIPHER_CTX_free(context); }
};

struct File {
    int fd = -1;
    explicit File(int opened) : fd(opened) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
};

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

int size_of(std::size_t size) {
    return static_cast<int>(size);
}

Error failed(const fs::path& path) {
    const int number = errno;
    return {fmt::format("{}: {}", path.string(),
                        std::error_code(number, std::generic_category()).message()),
            "the directory must be writable for leverd, with room on its disk"};
}

// 64 hex digits of the HMAC are 32 bytes of key.
std::array<unsigned char, key_bytes> derive(const Secret& key) {
    const auto hex = hmac_hex(HashKind::sha256, key, purpose);
    std::array<unsigned char, key_bytes> made{};
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < key_bytes && 2 * i + 1 < hex.reveal().size(); ++i) {
        made[i] = static_cast<unsigned char>(digit(hex.reveal()[2 * i]) * 16 +
                                             digit(hex.reveal()[2 * i + 1]));
    }
    return made;
}

// magic, nonce, ciphertext, tag; empty when OpenSSL says no.
Bytes seal(const Secret& key, const std::string& intent, const Secret& plain) {
    const auto made = derive(key);
    const auto& text = plain.reveal();
    Bytes out(magic.size() + nonce_bytes + text.size() + tag_bytes);
    std::copy(magic.begin(), magic.end(), out.begin());
    auto* nonce = out.data() + magic.size();
    auto* body = nonce + nonce_bytes;
    const Cipher cipher;
    int done = 0;
    const bool good =
        RAND_bytes(nonce, size_of(nonce_bytes)) == 1 &&
        EVP_EncryptInit_ex(cipher.context, EVP_aes_256_gcm(), nullptr, made.data(), nonce) == 1 &&
        EVP_EncryptUpdate(cipher.context, nullptr, &done, bytes_of(intent),
                          size_of(intent.size())) == 1 &&
        EVP_EncryptUpdate(cipher.context, body, &done, bytes_of(text), size_of(text.size())) == 1 &&
        EVP_EncryptFinal_ex(cipher.context, body + done, &done) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_GCM_GET_TAG, size_of(tag_bytes),
                            body + text.size()) == 1;
    return good ? out : Bytes{};
}

// Nothing unless every byte is what was sealed for this intent with this key.
std::string unseal(const Secret& key, const std::string& intent, const std::string& file) {
    const std::size_t around = magic.size() + nonce_bytes + tag_bytes;
    if (file.size() < around || !file.starts_with(magic)) {
        return {};
    }
    const auto made = derive(key);
    const std::size_t size = file.size() - around;
    const auto* nonce = bytes_of(file) + magic.size();
    const auto* body = nonce + nonce_bytes;
    std::array<unsigned char, tag_bytes> tag{};
    std::copy_n(body + size, tag_bytes, tag.begin());
    std::string plain(size, '\0');
    auto* into = reinterpret_cast<unsigned char*>(plain.data());
    const Cipher cipher;
    int done = 0;
    const bool good =
        EVP_DecryptInit_ex(cipher.context, EVP_aes_256_gcm(), nullptr, made.data(), nonce) == 1 &&
        EVP_DecryptUpdate(cipher.context, nullptr, &done, bytes_of(intent),
                          size_of(intent.size())) == 1 &&
        EVP_DecryptUpdate(cipher.context, into, &done, body, size_of(size)) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.context, EVP_CTRL_GCM_SET_TAG, size_of(tag_bytes), tag.data()) ==
            1 &&
        EVP_DecryptFinal_ex(cipher.context, into + done, &done) == 1;
    if (!good) {
        wipe(plain);
    }
    return plain;
}

Result<void> write_all(const fs::path& path, const Bytes& bytes) {
    ::unlink(path.c_str());  // what a kill left over
    const File file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd < 0) {
        return failed(path);
    }
    std::size_t written = 0;
    while (written < bytes.size()) {
        const auto count = ::write(file.fd, bytes.data() + written, bytes.size() - written);
        if (count < 0 && errno != EINTR) {
            return failed(path);
        }
        written += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return ::fsync(file.fd) == 0 ? Result<void>{} : Result<void>(failed(path));
}

Result<void> flush_directory(const fs::path& directory) {
    const File held(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return held.fd >= 0 && ::fsync(held.fd) == 0 ? Result<void>{} : Result<void>(failed(directory));
}

class SealedFiles final : public SecretSafe {
  public:
    SealedFiles(fs::path directory, Secret key)
        : directory_(std::move(directory)), key_(std::move(key)) {}

    Result<void> keep(const std::string& intent, const Secret& bytes) override {
        const auto sealed = seal(key_, intent, bytes);
        if (!is_opaque_id(intent) || key_.empty() || sealed.empty()) {
            return Error{"secret values cannot be sealed for " + sanitize(intent, 100), ""};
        }
        if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
            return failed(directory_);
        }
        const auto aside = path_of(intent).string() + ".new";
        if (auto written = write_all(aside, sealed); !written) {
            return written;
        }
        if (::rename(aside.c_str(), path_of(intent).c_str()) != 0) {
            return failed(path_of(intent));
        }
        return flush_directory(directory_);
    }

    Result<Secret> open(const std::string& intent) const override {
        if (!is_opaque_id(intent)) {
            return Error{"no intent: \"" + sanitize(intent, 100) + "\"", ""};
        }
        const auto path = path_of(intent);
        const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (file.fd < 0) {
            return failed(path);
        }
        std::string bytes(file_bytes_max, '\0');
        const auto count = ::read(file.fd, bytes.data(), bytes.size());
        if (count < 0) {
            return failed(path);
        }
        bytes.resize(static_cast<std::size_t>(count));
        std::string plain = unseal(key_, intent, bytes);
        if (plain.empty()) {
            return Error{path.string() + ": it does not open with this sealing key",
                         "give leverd the sealing key that it had then"};
        }
        return Secret::unlisted(std::move(plain));
    }

    void forget(const std::string& intent) override {
        if (is_opaque_id(intent)) {
            ::unlink(path_of(intent).c_str());
        }
    }

    std::vector<std::string> kept() const override {
        std::vector<std::string> found;
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(directory_, none)) {
            const auto name = entry.path().filename().string();
            if (name.ends_with(suffix)) {
                found.push_back(name.substr(0, name.size() - suffix.size()));
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

  private:
    fs::path path_of(const std::string& intent) const {
        return directory_ / (intent + std::string(suffix));
    }

    fs::path directory_;
    Secret key_;
};

}  // namespace

std::shared_ptr<SecretSafe> make_sealed_files(std::filesystem::path directory, Secret key) {
    return std::make_shared<SealedFiles>(std::move(directory), std::move(key));
}

}  // namespace leverd
