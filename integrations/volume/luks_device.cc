#include "integrations/volume/luks_device.h"

#include <libcryptsetup.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <vector>

#include "integrations/volume/device_users.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/qcow2.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/crypto/openssl_handle.h"
#include "keymanager/crypto/random.h"

namespace sallyport::volume {
namespace {

using CryptHandle = std::unique_ptr<crypt_device, crypto::Freer<crypt_free>>;

constexpr std::uint64_t Sector = 512;
constexpr std::uint64_t MiB = 1024 * 1024;
constexpr unsigned LeastIterations = 1000;  // NIST SP 800-132, section 5.2; libcryptsetup takes no fewer
constexpr std::uint64_t Luks1DataOffset = 2 * MiB;
constexpr std::uint64_t Luks2DataOffset = 16 * MiB;
constexpr std::size_t CopySize = MiB;
constexpr std::uint64_t CompactMetadata = 16 * 1024;
constexpr std::uint64_t CompactSlots = 512 * 1024;  // two slots of 256 KiB: 64 bytes of key in 4000 stripes

/// A mutex that is given to those who wait in their order: a re-encryption, which takes it back as soon as it has let
/// it go, would starve the others of a usual one.
class QueueingMutex {
public:
    void lock() {
        std::unique_lock lock(mutex_);
        const std::uint64_t mine = next_++;
        turn_.wait(lock, [this, mine] { return now_ == mine; });
    }
    void unlock() {
        {
            const std::lock_guard lock(mutex_);
            ++now_;
        }
        turn_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable turn_;
    std::uint64_t next_ = 0;
    std::uint64_t now_ = 0;
};

/// One unlocking or mapping at a time in this process; the reason is at LuksDevice.
QueueingMutex& library_lock() {
    static QueueingMutex lock;
    return lock;
}

/// What libcryptsetup says goes to our log; its last complaint is kept for the Error's detail.
struct Complaints {
    std::string last;
};

void take_message(int level, const char* message, void* user) {
    std::string text(message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    log_debug("libcryptsetup: {}", text);
    if (level == CRYPT_LOG_ERROR && user != nullptr) static_cast<Complaints*>(user)->last = std::move(text);
}

/// Messages without a device would go to standard output.
void silence_library() {
    static std::once_flag once;
    std::call_once(once, [] { crypt_set_log_callback(nullptr, take_message, nullptr); });
}

const char* characters(const SecureBytes& secret) { return reinterpret_cast<const char*>(secret.reveal().data()); }

struct CipherSpec {
    std::string name, mode;
};

Result<CipherSpec> split_cipher(const std::string& cipher) {
    const std::size_t dash = cipher.find('-');
    if (dash == 0 || dash == std::string::npos || dash + 1 == cipher.size()) {
        return Error{
            Code::InvalidInput, "cipher '" + cipher + "' is not of the form name-mode-iv, such as aes-xts-plain64", {}};
    }
    return CipherSpec{cipher.substr(0, dash), cipher.substr(dash + 1)};
}

Result<void> check_random_key(const Passphrase& passphrase) {
    if (passphrase.random_bits() >= 256) return {};
    return Error{Code::Refused,
                 "unlock profile random-key is for keys of at least 256 random bits from a key manager; this one " +
                     (passphrase.random_bits() == 0 ? std::string("is a text or a pattern")
                                                    : "has " + std::to_string(passphrase.random_bits())) +
                     ": use profile passphrase",
                 {}};
}

Result<void> check_options(std::uint64_t size, std::uint64_t data_offset, const std::string& name,
                           const Passphrase& passphrase, const FormatOptions& options) {
    if (options.profile == UnlockProfile::RandomKey) TRY(check_random_key(passphrase));
    const bool known_size = options.sector_size == 512 || options.sector_size == 1024 || options.sector_size == 2048 ||
                            options.sector_size == 4096;
    if (!known_size)
        return Error{Code::InvalidInput,
                     "sector size " + std::to_string(options.sector_size) + " is none of 512, 1024, 2048, 4096",
                     {}};
    if (options.version == LuksVersion::Luks1 && options.sector_size != 512) {
        return Error{Code::InvalidInput,
                     "LUKS1 has sectors of 512 bytes only; use luks2 for " + std::to_string(options.sector_size),
                     {}};
    }
    if (options.version == LuksVersion::Luks1 && !options.label.empty())
        return Error{Code::InvalidInput, "LUKS1 has no label; use luks2", {}};
    if (options.label.size() > 47) return Error{Code::InvalidInput, "a LUKS2 label has at most 47 bytes", {}};
    if (options.key_bits == 0 || options.key_bits % 8 != 0 || options.key_bits > 1024) {
        return Error{Code::InvalidInput,
                     "a volume key of " + std::to_string(options.key_bits) + " bits is impossible; use 256 or 512",
                     {}};
    }
    if (options.cipher.find("-xts-") != std::string::npos && options.key_bits != 256 && options.key_bits != 512) {
        return Error{Code::InvalidInput,
                     "XTS has keys of 256 or 512 bits, not " + std::to_string(options.key_bits) + " (IEEE 1619)",
                     {}};
    }
    if (size < data_offset + options.sector_size) {
        return Error{Code::InvalidInput,
                     name + " is too small: it has " + std::to_string(size) + " bytes, and the " +
                         std::string(text_of(options.version)) + " header alone takes " + std::to_string(data_offset),
                     {}};
    }
    if (size % options.sector_size != 0) {
        return Error{Code::InvalidInput,
                     name + " has " + std::to_string(size) + " bytes, no multiple of the sector size of " +
                         std::to_string(options.sector_size),
                     {}};
    }
    return {};
}

crypt_pbkdf_type derivation_of(const FormatOptions& options) {
    crypt_pbkdf_type derivation{};
    derivation.hash = "sha256";
    switch (options.profile) {
        case UnlockProfile::RandomKey:
            derivation.type = CRYPT_KDF_PBKDF2;
            derivation.iterations = LeastIterations;
            derivation.flags = CRYPT_PBKDF_NO_BENCHMARK;
            break;
        case UnlockProfile::Passphrase:
            if (options.version == LuksVersion::Luks1) {
                derivation.type = CRYPT_KDF_PBKDF2;
                derivation.time_ms = 2000;
            } else {
                derivation.type = CRYPT_KDF_ARGON2ID;
                derivation.iterations = 4;
                derivation.max_memory_kb = 64 * 1024;
                derivation.parallel_threads = 4;
                derivation.flags = CRYPT_PBKDF_NO_BENCHMARK;
            }
            break;
    }
    return derivation;
}

/// `data_device`: where the data of a detached header lies; null if it follows the header.
int write_format(crypt_device* device, const CipherSpec& cipher, const SecureBytes& key, const FormatOptions& options,
                 const crypt_pbkdf_type& derivation, const char* data_device) {
    switch (options.version) {
        case LuksVersion::Luks1: {
            crypt_params_luks1 parameters{};
            parameters.hash = derivation.hash;
            parameters.data_device = data_device;
            if (const int rc = crypt_set_pbkdf_type(device, &derivation); rc < 0) return rc;
            return crypt_format(device, CRYPT_LUKS1, cipher.name.c_str(), cipher.mode.c_str(), nullptr, characters(key),
                                key.size(), &parameters);
        }
        case LuksVersion::Luks2: {
            crypt_params_luks2 parameters{};
            parameters.pbkdf = &derivation;
            parameters.sector_size = options.sector_size;
            parameters.data_device = data_device;
            if (!options.label.empty()) parameters.label = options.label.c_str();
            return crypt_format(device, CRYPT_LUKS2, cipher.name.c_str(), cipher.mode.c_str(), nullptr, characters(key),
                                key.size(), &parameters);
        }
    }
    return -EINVAL;
}

/// True if libcryptsetup would mend a header copy when it reads the header.
bool wants_mending(const LuksFacts& facts) {
    const auto& copies = facts.header_copies;
    return std::any_of(copies.begin(), copies.end(), [&](const HeaderCopy& copy) {
        return copy.state != HeaderCopyState::Good || copy.sequence != copies.front().sequence;
    });
}

}  // namespace

struct LuksDevice::Impl {
    std::string name;
    LuksVersion version = LuksVersion::Luks1;
    LuksLimits limits;
    Complaints complaints;
    std::optional<File> image;  ///< what libcryptsetup opens again and again, if nobody else keeps it
    CryptHandle handle;

    Error error(int rc, std::string_view what) const;
    struct Slot {
        int number = 0;
        int priority = 0;
        double cost = 0;
    };
    const char* type() const { return version == LuksVersion::Luks1 ? CRYPT_LUKS1 : CRYPT_LUKS2; }
    enum class Ignored { Leave, Too };
    std::vector<Slot> usable_slots(std::vector<std::string>& refused, Ignored ignored = Ignored::Leave) const;
    Error no_slot_opens(const std::vector<std::string>& refused) const;
    bool is_being_reencrypted() const {
        return version == LuksVersion::Luks2 && crypt_reencrypt_status(handle.get(), nullptr) != CRYPT_REENCRYPT_NONE;
    }
    Result<int> unlock_both_keys(const SecureBytes& text, const char* mapping, std::uint32_t flags);
    Result<void> drop_unbound_slots(const SecureBytes& text);
    Result<void> take_up_reencryption(const SecureBytes& text, const LuksDevice::Reencryption& how,
                                      std::uint32_t flags);
    template <class Try>
    Result<int> try_slots(Try&& attempt, std::string_view what);
};

LuksDevice::LuksDevice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LuksDevice::LuksDevice(LuksDevice&&) noexcept = default;
LuksDevice& LuksDevice::operator=(LuksDevice&&) noexcept = default;
LuksDevice::~LuksDevice() = default;

void LuksDevice::keep_open(File image) { impl_->image = std::move(image); }

Error LuksDevice::Impl::error(int rc, std::string_view what) const {
    if (rc == -ENOMEM)
        return {Code::Overloaded, "not enough memory to " + std::string(what) + " " + name, complaints.last};
    if (rc == -EINVAL || rc == -ENOTSUP || rc == -ENOENT || rc == -ENOSYS) {
        const std::string reason =
            complaints.last.empty() ? "libcryptsetup or the kernel cannot do it" : complaints.last;
        return {Code::Corrupt, "cannot " + std::string(what) + " " + name + ": " + reason, std::strerror(-rc)};
    }
    Error failed = error_of_errno(-rc, name, what);
    if (failed.detail.empty()) failed.detail = complaints.last;
    return failed;
}

Result<LuksDevice> LuksDevice::load(const std::string& path, const std::string& name, LuksVersion version,
                                    const LuksLimits& limits) {
    silence_library();
    auto impl = std::make_unique<Impl>();
    impl->name = name;
    impl->version = version;
    impl->limits = limits;
    crypt_device* device = nullptr;
    if (const int rc = crypt_init(&device, path.c_str()); rc != 0) return impl->error(rc, "read");
    impl->handle.reset(device);
    crypt_set_log_callback(device, take_message, &impl->complaints);
    const char* type = version == LuksVersion::Luks1 ? CRYPT_LUKS1 : CRYPT_LUKS2;
    if (const int rc = crypt_load(device, type, nullptr); rc != 0) return impl->error(rc, "read the LUKS header of");
    return LuksDevice(std::move(impl));
}

/// The slots that hold a key, in the order in which they are worth trying: LUKS2's priority first (a slot of priority
/// "ignore" is left alone), then the cheapest. Those over the limits are named in `refused`.
std::vector<LuksDevice::Impl::Slot> LuksDevice::Impl::usable_slots(std::vector<std::string>& refused,
                                                                   Ignored ignored) const {
    std::vector<Slot> slots;
    for (int number = 0; number < crypt_keyslot_max(type()); ++number) {
        const crypt_keyslot_info state = crypt_keyslot_status(handle.get(), number);
        if (state != CRYPT_SLOT_ACTIVE && state != CRYPT_SLOT_ACTIVE_LAST) continue;
        const crypt_keyslot_priority priority = crypt_keyslot_get_priority(handle.get(), number);
        if (priority == CRYPT_SLOT_PRIORITY_IGNORE && ignored == Ignored::Leave) continue;
        crypt_pbkdf_type derivation{};
        if (crypt_keyslot_get_pbkdf(handle.get(), number, &derivation) != 0) continue;
        const bool memory_hard = std::string_view(derivation.type) != CRYPT_KDF_PBKDF2;
        if (derivation.max_memory_kb > limits.memory_kib ||
            derivation.iterations > (memory_hard ? limits.passes : limits.iterations)) {
            refused.push_back("key slot " + std::to_string(number) + " asks for " +
                              std::to_string(derivation.iterations) + " iterations" +
                              (memory_hard ? " over " + std::to_string(derivation.max_memory_kb / 1024) + " MiB" : ""));
            continue;
        }
        // A pass over one KiB costs about as much as a few iterations of PBKDF2.
        const double cost =
            memory_hard ? 4.0 * derivation.iterations * derivation.max_memory_kb : derivation.iterations;
        slots.push_back({number, priority, cost});
    }
    std::stable_sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
        return a.priority != b.priority ? a.priority > b.priority : a.cost < b.cost;
    });
    return slots;
}

Error LuksDevice::Impl::no_slot_opens(const std::vector<std::string>& refused) const {
    if (!refused.empty()) {
        return {Code::Refused,
                name + ": " + joined(refused, "; ") +
                    ", more than is allowed, and was not tried; no other key slot opens with this key",
                {}};
    }
    std::vector<std::string> numbers;
    for (int number = 0; number < crypt_keyslot_max(type()); ++number) {
        const crypt_keyslot_info state = crypt_keyslot_status(handle.get(), number);
        if (state == CRYPT_SLOT_ACTIVE || state == CRYPT_SLOT_ACTIVE_LAST) numbers.push_back(std::to_string(number));
    }
    return {Code::WrongKey,
            "this key opens no key slot of " + name + " (" + std::string(text_of(version)) + ", " +
                (numbers.empty() ? std::string("no slot holds a key") : "slots " + joined(numbers)) + ")",
            {}};
}

template <class Try>
Result<int> LuksDevice::Impl::try_slots(Try&& attempt, std::string_view what) {
    std::vector<std::string> refused;
    for (const Slot& slot : usable_slots(refused)) {
        complaints.last.clear();
        const int rc = attempt(slot.number);
        if (rc >= 0) return slot.number;
        // -EPERM: the passphrase does not open this slot. -ENOENT: the slot is not for the data segment.
        if (rc != -EPERM && rc != -ENOENT) return error(rc, what);
    }
    return no_slot_opens(refused);
}

/// The data is under two volume keys, each in a slot of its own: libcryptsetup finds both only if it may choose.
Result<int> LuksDevice::Impl::unlock_both_keys(const SecureBytes& text, const char* mapping, std::uint32_t flags) {
    std::vector<std::string> refused;
    usable_slots(refused);
    if (!refused.empty()) return no_slot_opens(refused);
    complaints.last.clear();
    const int rc =
        crypt_activate_by_passphrase(handle.get(), mapping, CRYPT_ANY_SLOT, characters(text), text.size(), flags);
    if (rc >= 0) return rc;
    if (rc == -EPERM || rc == -ENOENT) return no_slot_opens({});
    return error(rc, mapping != nullptr ? "map" : "test");
}

Result<int> LuksDevice::unlock(const Passphrase& passphrase, const MappingName* mapping, std::uint32_t flags) {
    const std::lock_guard lock(library_lock());
    // The lock of libcryptsetup lies in /run/cryptsetup, where only root may write.
    if (geteuid() == 0) flags |= CRYPT_ACTIVATE_SERIALIZE_MEMORY_HARD_PBKDF;
    const char* name = mapping != nullptr ? mapping->str().c_str() : nullptr;
    const SecureBytes& text = passphrase.text();
    if (impl_->is_being_reencrypted()) return impl_->unlock_both_keys(text, name, flags);
    return impl_->try_slots(
        [&](int slot) {
            return crypt_activate_by_passphrase(impl_->handle.get(), name, slot, characters(text), text.size(), flags);
        },
        mapping != nullptr ? "map" : "test");
}

Result<void> LuksDevice::use_data_device(const std::string& path) {
    const std::lock_guard lock(library_lock());
    if (const int rc = crypt_set_data_device(impl_->handle.get(), path.c_str()); rc != 0)
        return impl_->error(rc, "use");
    return {};
}

Result<void> LuksDevice::resize(const MappingName& mapping, const Passphrase* passphrase, const LuksLimits& limits) {
    silence_library();
    auto impl = std::make_unique<Impl>();
    impl->name = "mapping " + mapping.str();
    impl->limits = limits;
    crypt_device* raw = nullptr;
    if (const int rc = crypt_init_by_name(&raw, mapping.str().c_str()); rc != 0) return impl->error(rc, "look at");
    impl->handle.reset(raw);
    crypt_set_log_callback(raw, take_message, &impl->complaints);
    const char* type = crypt_get_type(raw);
    if (type != nullptr && std::string_view(type) == CRYPT_LUKS2) impl->version = LuksVersion::Luks2;
    LuksDevice device(std::move(impl));
    if (passphrase != nullptr && crypt_get_volume_key_size(raw) > 0 && device.impl_->version == LuksVersion::Luks2)
        TRY(device.unlock(*passphrase, nullptr, CRYPT_ACTIVATE_KEYRING_KEY));
    const std::lock_guard lock(library_lock());
    const int rc = crypt_resize(raw, mapping.str().c_str(), 0);
    if (rc == 0) return {};
    if (rc == -EPERM && passphrase == nullptr) {
        return Error{Code::InvalidInput,
                     "the kernel keeps the key of mapping " + mapping.str() + " to itself: resizing it needs the key",
                     {}};
    }
    return device.impl_->error(rc, "resize");
}

Result<VolumeKey> LuksDevice::volume_key(const Passphrase& passphrase) {
    const std::lock_guard lock(library_lock());
    crypt_device* device = impl_->handle.get();
    VolumeKey key;
    key.bytes = TRY(SecureBytes::of_size(static_cast<std::size_t>(crypt_get_volume_key_size(device))));
    const SecureBytes& text = passphrase.text();
    TRY(impl_->try_slots(
        [&](int slot) {
            std::size_t size = key.bytes.size();
            return crypt_volume_key_get(device, slot, reinterpret_cast<char*>(key.bytes.writable().data()), &size,
                                        characters(text), text.size());
        },
        "take the volume key of"));
    key.cipher = std::string(crypt_get_cipher(device)) + "-" + crypt_get_cipher_mode(device);
    key.data_offset = crypt_get_data_offset(device) * Sector;
    key.sector_size = static_cast<unsigned>(crypt_get_sector_size(device));
    return key;
}

std::vector<int> LuksDevice::active_slots() const {
    std::vector<int> slots;
    for (int number = 0; number < crypt_keyslot_max(impl_->type()); ++number) {
        const crypt_keyslot_info state = crypt_keyslot_status(impl_->handle.get(), number);
        if (state == CRYPT_SLOT_ACTIVE || state == CRYPT_SLOT_ACTIVE_LAST) slots.push_back(number);
    }
    return slots;
}

Result<void> LuksDevice::set_uuid(const std::string& uuid) {
    const std::lock_guard lock(library_lock());
    impl_->complaints.last.clear();
    if (const int rc = crypt_set_uuid(impl_->handle.get(), uuid.c_str()); rc != 0)
        return impl_->error(rc, "write the uuid of");
    return {};
}

Result<std::vector<int>> LuksDevice::slots_opened_by(const Passphrase& passphrase) {
    const std::lock_guard lock(library_lock());
    const std::uint32_t flags = geteuid() == 0 ? CRYPT_ACTIVATE_SERIALIZE_MEMORY_HARD_PBKDF : 0;
    const SecureBytes& text = passphrase.text();
    if (impl_->is_being_reencrypted()) {
        const auto slot = impl_->unlock_both_keys(text, nullptr, flags);
        if (slot) return active_slots();
        if (slot.error().code == Code::WrongKey) return std::vector<int>();
        return slot.error();
    }
    std::vector<std::string> refused;
    std::vector<int> opened;
    for (const Impl::Slot& slot : impl_->usable_slots(refused, Impl::Ignored::Too)) {
        impl_->complaints.last.clear();
        const int rc = crypt_activate_by_passphrase(impl_->handle.get(), nullptr, slot.number, characters(text),
                                                    text.size(), flags);
        if (rc >= 0) {
            opened.push_back(slot.number);
        } else if (rc != -EPERM && rc != -ENOENT) {
            return impl_->error(rc, "test");
        }
    }
    std::sort(opened.begin(), opened.end());
    return opened;
}

Result<int> LuksDevice::add_slot(const Passphrase& current, const Passphrase& next, UnlockProfile profile) {
    if (profile == UnlockProfile::RandomKey) TRY(check_random_key(next));
    const VolumeKey key = TRY(volume_key(current));
    const std::lock_guard lock(library_lock());
    crypt_device* device = impl_->handle.get();
    FormatOptions options;
    options.version = impl_->version;
    options.profile = profile;
    crypt_pbkdf_type derivation = derivation_of(options);
    std::string hash;
    if (impl_->version == LuksVersion::Luks1) {
        // A LUKS1 header has one hash for all its slots.
        const crypt_pbkdf_type* own = crypt_get_pbkdf_type(device);
        if (own != nullptr && own->hash != nullptr) hash = own->hash;
        if (!hash.empty()) derivation.hash = hash.c_str();
    }
    if (const int rc = crypt_set_pbkdf_type(device, &derivation); rc != 0)
        return impl_->error(rc, "prepare a key slot of");
    const SecureBytes& text = next.text();
    impl_->complaints.last.clear();
    const int slot = crypt_keyslot_add_by_volume_key(device, CRYPT_ANY_SLOT, characters(key.bytes), key.bytes.size(),
                                                     characters(text), text.size());
    if (slot >= 0) return slot;
    if (slot == -EINVAL || slot == -ENOSPC) {
        // With two slots in use there is room for no third in a compact header.
        return Error{Code::Conflict,
                     impl_->name + ": no key slot is free; remove one that is not needed (cryptsetup luksKillSlot)",
                     impl_->complaints.last};
    }
    return impl_->error(slot, "fill a key slot of");
}

Result<void> LuksDevice::destroy_slot(int slot) {
    const std::lock_guard lock(library_lock());
    if (crypt_keyslot_status(impl_->handle.get(), slot) == CRYPT_SLOT_ACTIVE_LAST) {
        return Error{Code::Refused, impl_->name + ": key slot " + std::to_string(slot) + " is the last one", {}};
    }
    impl_->complaints.last.clear();
    const int rc = crypt_keyslot_destroy(impl_->handle.get(), slot);
    if (rc == 0) return {};
    return impl_->error(rc, "remove key slot " + std::to_string(slot) + " of");
}

/// An unbound slot is left by a re-encryption that was killed before it began.
Result<void> LuksDevice::Impl::drop_unbound_slots(const SecureBytes& text) {
    for (int number = 0; number < crypt_keyslot_max(type()); ++number) {
        if (crypt_keyslot_status(handle.get(), number) != CRYPT_SLOT_UNBOUND) continue;
        const int opened = crypt_activate_by_passphrase(handle.get(), nullptr, number, characters(text), text.size(),
                                                        CRYPT_ACTIVATE_ALLOW_UNBOUND_KEY);
        if (opened < 0) continue;
        if (const int rc = crypt_keyslot_destroy(handle.get(), number); rc != 0) return error(rc, "clean up");
    }
    return {};
}

namespace {

/// What was being written when the power went is told from what was not by the checksums of its sectors.
crypt_params_reencrypt reencryption_parameters(const LuksDevice::Reencryption& how) {
    crypt_params_reencrypt parameters{};
    parameters.mode = CRYPT_REENCRYPT_REENCRYPT;
    parameters.direction = CRYPT_REENCRYPT_FORWARD;
    parameters.resilience = "checksum";
    parameters.hash = "sha256";
    parameters.max_hotzone_size = how.zone / Sector;
    return parameters;
}

const char* name_of(const MappingName* mapping) { return mapping != nullptr ? mapping->str().c_str() : nullptr; }

}  // namespace

Result<void> LuksDevice::begin_reencryption(const Passphrase& key, const Reencryption& how) {
    const std::lock_guard lock(library_lock());
    crypt_device* device = impl_->handle.get();
    const SecureBytes& text = key.text();
    if (impl_->is_being_reencrypted()) return {};
    TRY(impl_->drop_unbound_slots(text));
    const int old_slot = TRY(impl_->try_slots(
        [&](int slot) { return crypt_activate_by_passphrase(device, nullptr, slot, characters(text), text.size(), 0); },
        "test"));
    FormatOptions options;
    options.profile = key.random_bits() >= 256 ? UnlockProfile::RandomKey : UnlockProfile::Passphrase;
    const crypt_pbkdf_type derivation = derivation_of(options);
    if (const int rc = crypt_set_pbkdf_type(device, &derivation); rc != 0)
        return impl_->error(rc, "prepare a key slot of");
    impl_->complaints.last.clear();
    const int new_slot = crypt_keyslot_add_by_key(device, CRYPT_ANY_SLOT, nullptr,
                                                  static_cast<std::size_t>(crypt_get_volume_key_size(device)),
                                                  characters(text), text.size(), CRYPT_VOLUME_KEY_NO_SEGMENT);
    if (new_slot < 0) {
        return Error{Code::Conflict, impl_->name + ": there is no room for a second key slot in its header",
                     impl_->complaints.last};
    }
    crypt_params_luks2 luks2{};
    luks2.sector_size = static_cast<std::uint32_t>(crypt_get_sector_size(device));
    crypt_params_reencrypt parameters = reencryption_parameters(how);
    parameters.luks2 = &luks2;
    parameters.flags = CRYPT_REENCRYPT_INITIALIZE_ONLY;
    const int rc = crypt_reencrypt_init_by_passphrase(device, name_of(how.mapping), characters(text), text.size(),
                                                      old_slot, new_slot, crypt_get_cipher(device),
                                                      crypt_get_cipher_mode(device), &parameters);
    if (rc >= 0) return {};
    Error failed = impl_->error(rc, "begin to re-encrypt");
    TRY(impl_->drop_unbound_slots(text));
    return failed;
}

Result<void> LuksDevice::Impl::take_up_reencryption(const SecureBytes& text, const LuksDevice::Reencryption& how,
                                                    std::uint32_t flags) {
    crypt_params_reencrypt parameters = reencryption_parameters(how);
    parameters.flags = flags;
    complaints.last.clear();
    const int rc = crypt_reencrypt_init_by_passphrase(handle.get(), name_of(how.mapping), characters(text), text.size(),
                                                      CRYPT_ANY_SLOT, CRYPT_ANY_SLOT, nullptr, nullptr, &parameters);
    if (rc >= 0) return {};
    if (rc == -EPERM) return no_slot_opens({});
    // Killed between a zone's last note in the header and the table that belongs to it: libcryptsetup knows no way from
    // the one to the other while the mapping lives, which may be suspended.
    if (how.mapping != nullptr && complaints.last.starts_with("Mismatching parameters")) {
        return Error{
            Code::Conflict,
            "mapping " + how.mapping->str() + " is not what the header of " + name +
                " says, since its re-encryption was killed: no data is lost, but the mapping has to go before this "
                "goes on; if it cannot be closed, start the machine anew",
            complaints.last};
    }
    return error(rc, "go on with the re-encryption of");
}

Result<LuksDevice::Reencrypted> LuksDevice::go_on_reencrypting(const Passphrase& key, const Reencryption& how) {
    const std::lock_guard lock(library_lock());
    crypt_device* device = impl_->handle.get();
    switch (crypt_reencrypt_status(device, nullptr)) {
        case CRYPT_REENCRYPT_NONE: return Reencrypted::Wholly;
        case CRYPT_REENCRYPT_CRASH:
            TRY(impl_->take_up_reencryption(key.text(), how, CRYPT_REENCRYPT_RECOVERY));
            return Reencrypted::Mended;
        case CRYPT_REENCRYPT_CLEAN:
            TRY(impl_->take_up_reencryption(key.text(), how, CRYPT_REENCRYPT_RESUME_ONLY));
            break;
        case CRYPT_REENCRYPT_INVALID:
            return Error{Code::Corrupt, impl_->name + ": what its header says of a re-encryption makes no sense", {}};
    }
    const auto tell = [](std::uint64_t total, std::uint64_t done, void* user) {
        // Others have their turn between two zones.
        library_lock().unlock();
        const auto& more = static_cast<const Reencryption*>(user)->more;
        const bool goes_on = !more || more(done, total);
        library_lock().lock();
        return goes_on ? 0 : 1;
    };
    impl_->complaints.last.clear();
    const int rc = crypt_reencrypt_run(device, tell, const_cast<Reencryption*>(&how));
    if (rc < 0) return impl_->error(rc, "re-encrypt");
    return crypt_reencrypt_status(device, nullptr) == CRYPT_REENCRYPT_NONE ? Reencrypted::Wholly : Reencrypted::InPart;
}

Error not_luks(const std::string& name, const VolumeFacts& facts) {
    const std::string what = facts.content == Content::Blank ? "it was never formatted" : "it holds " + facts.what;
    return {Code::InvalidInput, name + " is no LUKS volume: " + what, {}};
}

Result<void> copy_bytes(const ByteSource& from, File& to, std::uint64_t begin, std::uint64_t end) {
    Bytes buffer(CopySize);
    for (std::uint64_t at = begin; at < end;) {
        const auto chunk =
            std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(CopySize, end - at)));
        if (TRY(from.read(at, chunk)) != chunk.size())
            return Error{Code::Io, to.name() + ": what is to be copied there ended early", {}};
        TRY(to.write(at, chunk));
        at += chunk.size();
    }
    return {};
}

Result<void> check_limits(const LuksFacts& facts, const LuksLimits& limits, const std::string& name) {
    if (facts.digest_iterations <= limits.iterations) return {};
    return Error{Code::Refused,
                 name + " asks for " + std::to_string(facts.digest_iterations) +
                     " iterations to check a volume key, more than is allowed",
                 {}};
}

Result<LuksDevice> load_without_writing(const File& file, const VolumeFacts& facts, const LuksLimits& limits) {
    if (!facts.luks) return not_luks(file.name(), facts);
    const LuksFacts& luks = *facts.luks;
    TRY(check_limits(luks, limits, file.name()));
    if (facts.content == Content::Luks && !wants_mending(luks) && !luks.reencryption_is_over) {
        return LuksDevice::load(file.proc_path(), file.name(), luks.version, limits);
    }
    std::optional<Window> inside;
    if (facts.content == Content::DiskImage) inside = TRY(luks_header_of_qcow2(file));
    const ByteSource& source = inside ? static_cast<const ByteSource&>(*inside) : file;
    // LUKS1 checks that the data it never reads has a place.
    File image = TRY(File::in_memory(std::max(file.size(), luks.data_offset + Luks1DataOffset)));
    TRY(copy_bytes(source, image, 0, std::min(source.size(), luks.metadata_size)));
    if (luks.version == LuksVersion::Luks2) TRY(mend_luks2_header(image, luks));
    if (luks.reencryption_is_over) TRY(finish_luks2_reencryption(image, luks));
    LuksDevice device = TRY(LuksDevice::load(image.proc_path(), file.name(), luks.version, limits));
    device.keep_open(std::move(image));
    return device;
}

std::uint64_t data_offset_for(std::uint64_t size, LuksVersion version) {
    switch (version) {
        case LuksVersion::Luks1: return Luks1DataOffset;
        case LuksVersion::Luks2:
            return size >= Luks2DataOffset + MiB ? Luks2DataOffset : 2 * CompactMetadata + CompactSlots;
    }
    return Luks2DataOffset;
}

namespace {

/// Makes a header of `size` bytes in front of its data, or (`data` given) apart from it.
Result<NewHeader> make(File image, std::uint64_t size, const std::optional<File>& data, const Passphrase& passphrase,
                       const FormatOptions& options) {
    silence_library();
    const CipherSpec cipher = TRY(split_cipher(options.cipher));
    SecureBytes key = TRY(crypto::random_secret(options.key_bits / 8));

    const std::lock_guard lock(library_lock());
    Complaints complaints;
    // The header is made in memory: what fails here fails for what was asked (a cipher that neither OpenSSL nor this
    // kernel knows, say), not for the device.
    const auto refused = [&](int rc, const char* what) {
        if (rc == -ENOMEM) return Error{Code::Overloaded, std::string("not enough memory to ") + what, complaints.last};
        const std::string reason = complaints.last.empty() ? std::strerror(-rc) : complaints.last;
        return Error{Code::InvalidInput,
                     std::string("cannot ") + what + " with cipher " + options.cipher + ", " +
                         std::to_string(options.key_bits) + " bits: " + reason,
                     {}};
    };
    crypt_device* raw = nullptr;
    if (const int rc = crypt_init(&raw, image.proc_path().c_str()); rc != 0)
        return refused(rc, "prepare a LUKS header");
    const CryptHandle device(raw);
    crypt_set_log_callback(raw, take_message, &complaints);
    if (options.version == LuksVersion::Luks2 && size != Luks2DataOffset) {
        if (const int rc = crypt_set_metadata_size(raw, CompactMetadata, CompactSlots); rc != 0)
            return refused(rc, "size a LUKS2 header");
    }
    const std::uint64_t data_offset = data ? 0 : size;
    if (const int rc = crypt_set_data_offset(raw, data_offset / Sector); rc != 0) return refused(rc, "place the data");
    const crypt_pbkdf_type derivation = derivation_of(options);
    const std::string data_path = data ? data->proc_path() : "";
    if (const int rc = write_format(raw, cipher, key, options, derivation, data ? data_path.c_str() : nullptr); rc != 0)
        return refused(rc, "make a LUKS header");
    const SecureBytes& text = passphrase.text();
    if (const int rc =
            crypt_keyslot_add_by_volume_key(raw, 0, characters(key), key.size(), characters(text), text.size());
        rc != 0) {
        return refused(rc, "fill the key slot");
    }
    return NewHeader{std::move(image), size, {std::move(key), options.cipher, data_offset, options.sector_size}};
}

}  // namespace

Result<NewHeader> make_header(std::uint64_t size, const std::string& name, const Passphrase& passphrase,
                              const FormatOptions& options) {
    const std::uint64_t data_offset = data_offset_for(size, options.version);
    TRY(check_options(size, data_offset, name, passphrase, options));
    return make(TRY(File::in_memory(size)), data_offset, std::nullopt, passphrase, options);
}

Result<NewHeader> make_detached_header(std::uint64_t size, const std::string& name, const Passphrase& passphrase,
                                       const FormatOptions& options) {
    TRY(check_options(size, 0, name, passphrase, options));
    const std::uint64_t header_size = data_offset_for(LargestDataOffset + MiB, options.version);
    const std::optional<File> data(TRY(File::in_memory(size)));
    return make(TRY(File::in_memory(header_size)), header_size, data, passphrase, options);
}

Result<void> map_plain(const std::string& path, const VolumeKey& key, const MappingName& mapping, std::uint32_t flags) {
    silence_library();
    const CipherSpec cipher = TRY(split_cipher(key.cipher));
    const std::lock_guard lock(library_lock());
    Complaints complaints;
    crypt_device* raw = nullptr;
    if (const int rc = crypt_init(&raw, path.c_str()); rc != 0) return error_of_errno(-rc, path, "use");
    const CryptHandle device(raw);
    crypt_set_log_callback(raw, take_message, &complaints);
    crypt_params_plain parameters{};
    parameters.offset = key.data_offset / Sector;
    parameters.sector_size = Sector;
    int rc = crypt_format(raw, CRYPT_PLAIN, cipher.name.c_str(), cipher.mode.c_str(), nullptr, nullptr,
                          key.bytes.size(), &parameters);
    if (rc == 0) {
        rc = crypt_activate_by_volume_key(raw, mapping.str().c_str(), characters(key.bytes), key.bytes.size(), flags);
    }
    if (rc >= 0) return {};
    if (rc == -EEXIST || rc == -EBUSY) return error_of_errno(EBUSY, path, "map");
    return Error{rc == -EIO ? Code::Io : Code::InvalidInput,
                 "cannot map " + path + " with cipher " + key.cipher + ": " +
                     (complaints.last.empty() ? std::strerror(-rc) : complaints.last),
                 {}};
}

Result<void> remove_mapping(const MappingName& mapping) {
    silence_library();
    const std::lock_guard lock(library_lock());
    const int rc = crypt_deactivate_by_name(nullptr, mapping.str().c_str(), 0);
    if (rc == 0) return {};
    if (rc == -ENODEV) return Error{Code::NotFound, "there is no mapping " + mapping.str(), {}};
    return error_of_errno(-rc, "mapping " + mapping.str(), "remove");
}

}  // namespace sallyport::volume
