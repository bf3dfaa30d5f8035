#include "agent/cli/secret_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "keymanager/base/durable.h"

namespace sallyport::cli {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    /// The last chance of the file system to say that the bytes did not arrive.
    bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

private:
    int fd_;
};

Error io_error(const std::string& what) { return {Code::Io, fmt::format("{}: {}", what, std::strerror(errno)), {}}; }

Error too_large(const std::string& name, std::size_t max_bytes) {
    return {Code::TooLarge, fmt::format("{} is longer than {} bytes", name, max_bytes), {}};
}

Result<SecureBytes> read_all(int fd, const std::string& name, std::size_t max_bytes) {
    // A regular file says how long it is; a pipe does not, so the buffer doubles (the old one is wiped with its owner).
    struct stat facts {};
    if (fstat(fd, &facts) != 0) return io_error(name);
    if (S_ISDIR(facts.st_mode)) return Error{Code::Io, fmt::format("{} is a directory", name), {}};
    const std::size_t expected = S_ISREG(facts.st_mode) ? static_cast<std::size_t>(facts.st_size) : 0;
    if (expected > max_bytes) return too_large(name, max_bytes);

    SecureBytes bytes = TRY(SecureBytes::of_size(std::max<std::size_t>(expected + 1, 512)));
    std::size_t length = 0;
    while (true) {
        if (length == bytes.size()) {
            SecureBytes larger = TRY(SecureBytes::of_size(bytes.size() * 2));
            std::memcpy(larger.writable().data(), bytes.reveal().data(), length);
            bytes = std::move(larger);
        }
        const ssize_t n = ::read(fd, bytes.writable().data() + length, bytes.size() - length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(name);
        if (n == 0) break;
        length += static_cast<std::size_t>(n);
        if (length > max_bytes) return too_large(name, max_bytes);
    }
    if (length == 0) return Error{Code::InvalidInput, fmt::format("{} is empty", name), {}};
    bytes.truncate(length);
    return bytes;
}

Result<void> write_all(int fd, std::span<const std::byte> bytes, const std::string& name) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(name);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

/// Switches a terminal's echo off for as long as it lives.
class EchoOff {
public:
    explicit EchoOff(int fd) : fd_(fd), changed_(tcgetattr(fd, &before_) == 0) {
        if (!changed_) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = tcsetattr(fd, TCSAFLUSH, &silent) == 0;
    }
    ~EchoOff() {
        if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    bool works() const { return changed_; }

private:
    int fd_;
    termios before_{};
    bool changed_;
};

}  // namespace

Result<SecureBytes> read_secret_file(const std::string& path, std::size_t max_bytes) {
    if (path == "-") return read_all(STDIN_FILENO, "standard input", max_bytes);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return io_error(path);
    return read_all(file.get(), path, max_bytes);
}

Result<SecureBytes> prompt_for_secret(std::string_view prompt) {
    const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal.is_open()) {
        return Error{
            Code::Io, "there is no terminal to ask for the secret: give it in a file or on standard input", {}};
    }
    const EchoOff echo_off(terminal.get());
    if (!echo_off.works()) return io_error("cannot switch off the terminal's echo");
    TRY(write_all(terminal.get(), std::as_bytes(std::span(prompt.data(), prompt.size())), "/dev/tty"));

    // A terminal in canonical mode hands over one line of at most 4096 bytes (termios(3), MAX_CANON).
    SecureBytes line = TRY(SecureBytes::of_size(4096));
    const ssize_t n = ::read(terminal.get(), line.writable().data(), line.size());
    if (n < 0) return io_error("/dev/tty");
    TRY(write_all(terminal.get(), std::as_bytes(std::span("\n", 1)), "/dev/tty"));
    std::size_t length = static_cast<std::size_t>(n);
    if (length > 0 && line.reveal()[length - 1] == std::byte{'\n'}) --length;
    if (length == 0) return Error{Code::InvalidInput, "nothing was typed", {}};
    line.truncate(length);
    return line;
}

Result<void> write_secret(const SecureBytes& secret, const std::string& path, bool reveal) {
    if (path.empty()) {
        if (isatty(STDOUT_FILENO) == 1 && !reveal) {
            return Error{Code::Refused, "the secret would appear on the terminal: use --file, a pipe, or --reveal", {}};
        }
        return write_all(STDOUT_FILENO, secret.reveal(), "standard output");
    }
    // O_EXCL: neither overwrites a file nor follows a link that somebody has put there.
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file.is_open() && errno == EEXIST) return Error{Code::Conflict, fmt::format("{} exists already", path), {}};
    if (!file.is_open()) return io_error(path);
    // A master key that a power cut takes away takes along what was stored under it since.
    const auto arrived = [&]() -> Result<void> {
        TRY(write_all(file.get(), secret.reveal(), path));
        if (::fsync(file.get()) != 0 || !file.close()) return io_error(path);
        return flush_folder_of(path);
    };
    const Result<void> written = arrived();
    if (!written) ::unlink(path.c_str());
    return written;
}

}  // namespace sallyport::cli
