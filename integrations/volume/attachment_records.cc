#include "integrations/volume/attachment_records.h"

#include <boost/json.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "integrations/volume/file.h"
#include "integrations/volume/new_file.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view Suffix = ".json";

std::optional<std::string> text_at(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

Result<AttachmentRecord> parse(const std::string& text, const fs::path& path) {
    json::error_code failed;
    const json::value value = json::parse(text, failed);
    const Error damaged{Code::Corrupt, path.string() + " is no record of an attachment", failed.message()};
    if (failed || !value.is_object()) return damaged;
    const json::object& object = value.get_object();
    const auto name = text_at(object, "name"), device = text_at(object, "device"), link = text_at(object, "link"),
               target = text_at(object, "target");
    const json::value* complete = object.if_contains("complete");
    if (!name || !device || !link || !target || complete == nullptr || !complete->is_bool()) return damaged;
    return AttachmentRecord{MappingName(*name), DevicePath(*device), *link, *target, complete->get_bool()};
}

Result<AttachmentRecord> read(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return Error{Code::Io, "cannot read " + path.string(), {}};
    return parse(text.str(), path);
}

}  // namespace

AttachmentRecords::Lock::Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

AttachmentRecords::Lock::~Lock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<AttachmentRecords::Lock> AttachmentRecords::lock() const {
    std::error_code failed;
    fs::create_directories(folder_.parent_path(), failed);
    if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return error_of_errno(errno, folder_.string(), "make");
    const std::string path = folder_ / "lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return error_of_errno(errno, path, "open");
    Lock lock(descriptor);
    while (flock(descriptor, LOCK_EX) != 0) {
        if (errno != EINTR) return error_of_errno(errno, path, "lock");
    }
    return lock;
}

fs::path AttachmentRecords::path_of(const MappingName& name) const {
    return folder_ / (name.str() + std::string(Suffix));
}

Result<std::optional<AttachmentRecord>> AttachmentRecords::find(const MappingName& name) const {
    const fs::path path = path_of(name);
    std::error_code failed;
    if (!fs::exists(path, failed)) return std::optional<AttachmentRecord>{};
    return std::optional(TRY(read(path)));
}

std::vector<AttachmentRecord> AttachmentRecords::all() const {
    std::vector<AttachmentRecord> records;
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, failed)) {
        if (entry.path().extension() != Suffix) continue;
        auto record = read(entry.path());
        if (record)
            records.push_back(std::move(*record));
        else
            log_warning("{}", record.error().message);
    }
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return records;
}

Result<void> AttachmentRecords::put(const AttachmentRecord& record) const {
    const std::string text = json::serialize(json::object{{"name", record.name.str()},
                                                          {"device", record.device.str()},
                                                          {"link", record.link},
                                                          {"target", record.target},
                                                          {"complete", record.complete}});
    NewFile file = TRY(NewFile::create(path_of(record.name).string(), true));
    TRY(file.file().write(0, bytes_of(text)));
    return file.publish();
}

Result<void> AttachmentRecords::remove(const MappingName& name) const {
    const fs::path path = path_of(name);
    if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return error_of_errno(errno, path.string(), "remove");
}

}  // namespace sallyport::volume
