#pragma once

#include <unistd.h>

#include <utility>

namespace sallyport::migration {

/// Owns a file descriptor; -1 is none.
class File {
public:
    explicit File(int descriptor = -1) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace sallyport::migration
