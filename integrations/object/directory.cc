#include "integrations/object/directory.h"

#include <boost/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

#include "integrations/object/conditional.h"
#include "integrations/object/file.h"
#include "integrations/object/listing_query.h"
#include "integrations/object/names.h"
#include "integrations/object/object_record.h"
#include "integrations/object/object_response.h"
#include "integrations/object/stored_name.h"
#include "integrations/object/target.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/uuid.h"
#include "keymanager/crypto/md5.h"

namespace sallyport::object {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view ObjectFile = "object.json";
constexpr std::string_view ContainerFile = ".container.json";
constexpr std::string_view DataSuffix = ".data";
// Swift's limits (its constraints.py).
constexpr std::size_t LongestContainerName = 256;
constexpr std::size_t LongestObjectName = 1024;
// How often a reader starts over because the object it reads is being replaced.
constexpr int MostRetries = 20;

// What may be set with a PUT or a POST beside metadata, and is replaced with them.
constexpr std::array<std::string_view, 8> PlainHeaders = {"Content-Disposition", "Content-Encoding", "Content-Language",
                                                          "Cache-Control",       "Expires",          "X-Robots-Tag",
                                                          "X-Delete-At",         "X-Object-Manifest"};

bool is_plain_header(std::string_view name) {
    return std::any_of(PlainHeaders.begin(), PlainHeaders.end(),
                       [name](std::string_view plain) { return equal_no_case(name, plain); });
}

/// What a POST replaces as a set.
bool is_replaced_by_post(std::string_view name) {
    return starts_with_no_case(name, UserMetaPrefix) || starts_with_no_case(name, TransientSysmetaPrefix) ||
           is_plain_header(name);
}

bool is_stored_by_put(std::string_view name) {
    return is_replaced_by_post(name) || starts_with_no_case(name, SysmetaPrefix) ||
           equal_no_case(name, "Content-Type") || equal_no_case(name, "X-Static-Large-Object") ||
           equal_no_case(name, "Etag");
}

bool is_container_metadata(std::string_view name) {
    return starts_with_no_case(name, "X-Container-Meta-") || starts_with_no_case(name, "X-Container-Sysmeta-") ||
           equal_no_case(name, "X-Container-Read") || equal_no_case(name, "X-Container-Write");
}

std::string joined(const std::string& folder, std::string_view name) { return folder + "/" + std::string(name); }

/// Where things are. Pure; the names are the client's.
class Layout {
public:
    explicit Layout(std::string root) : root_(std::move(root)) {}

    const std::string& root() const { return root_; }
    std::string temporary() const { return root_ + "/.tmp"; }
    Result<std::string> account(const ObjectPath& path) const { return joined(root_, TRY(stored_name(path.account))); }
    Result<std::string> container(const ObjectPath& path) const {
        const std::string folder = TRY(account(path));
        return joined(folder, TRY(stored_name(path.container)));
    }
    Result<std::string> object(const ObjectPath& path) const {
        const std::string folder = TRY(container(path));
        return joined(folder, TRY(stored_name(path.object)));
    }

private:
    std::string root_;
};

/// One object as it is now: its record, and its data open, so that both stay what they are while it is read.
struct OpenObject {
    ObjectRecord record;
    File data;
};

/// Error: `NotFound` if there is no such object, or its time is over.
Result<ObjectRecord> current_record(const std::string& folder, std::int64_t now_us) {
    ObjectRecord record = TRY(load_record(joined(folder, ObjectFile)));
    const auto delete_at = parse_number(record.headers.value_or("X-Delete-At", ""));
    const bool expired = delete_at && *delete_at <= static_cast<unsigned long long>(now_us / 1'000'000);
    if (expired) return Error{Code::NotFound, "the object has expired", {}};
    return record;
}

Result<OpenObject> open_object(const std::string& folder, std::int64_t now_us) {
    for (int attempt = 0; attempt < MostRetries; ++attempt) {
        ObjectRecord record = TRY(current_record(folder, now_us));
        auto data = File::open(joined(folder, record.data_file));
        // A PUT came in between and took the data away; what it left is read instead.
        if (!data && data.error().code == Code::NotFound) continue;
        if (!data) return data.error();
        if (TRY(data->size()) != record.size) {
            return Error{Code::Corrupt, "an object's data has not the length that its metadata say", folder};
        }
        return OpenObject{std::move(record), *std::move(data)};
    }
    return Error{Code::Corrupt, "an object's data file is missing", folder};
}

/// What the requests of one directory share.
///
/// Locking: `names_` is held shared by whoever adds objects, alone by whoever removes folders; within it, one of
/// `objects_` by whoever changes that object. Readers take none: they see one object.json or the other.
class Store {
public:
    Store(Layout layout, File lock, const Clock& clock)
        : layout_(std::move(layout)), lock_(std::move(lock)), clock_(&clock) {}

    const Layout& layout() const { return layout_; }
    std::int64_t now_us() const { return clock_->now().time_since_epoch().count(); }

    std::shared_lock<std::shared_mutex> adding() { return std::shared_lock(names_); }
    std::unique_lock<std::shared_mutex> removing() { return std::unique_lock(names_); }
    std::unique_lock<std::mutex> changing(const std::string& folder) {
        return std::unique_lock(objects_[std::hash<std::string>{}(folder) % objects_.size()]);
    }

    /// Makes account and container if they are not there. True if the container is new. Under adding().
    Result<bool> make_container(const ObjectPath& path, const Headers& headers) {
        const std::string account = TRY(layout_.account(path));
        TRY(make_folder(account));
        const std::string folder = TRY(layout_.container(path));
        const bool is_new = TRY(make_folder(folder));
        const auto lock = changing(folder);
        const std::string file = joined(folder, ContainerFile);
        auto known = load_record(file);
        if (!known && known.error().code != Code::NotFound) return known.error();
        ObjectRecord record;
        if (known) record = *std::move(known);
        const bool changes = update_container(record, headers);
        if (known && !changes) return is_new;
        record.name = path.container;
        record.modified_us = now_us();
        TRY(replace_file(file, to_json(record), layout_.temporary()));
        return is_new;
    }

private:
    /// Sets what the request gives; an empty value removes. True if something changed.
    static bool update_container(ObjectRecord& record, const Headers& headers) {
        bool changed = false;
        for (const auto& [name, value] : headers) {
            if (!is_container_metadata(name)) continue;
            changed = true;
            if (value.empty()) {
                record.headers.remove(name);
            } else {
                record.headers.set(title_case(name), value);
            }
        }
        return changed;
    }

    Layout layout_;
    File lock_;  ///< held (flock) as long as this directory is ours
    const Clock* clock_;
    std::shared_mutex names_;
    std::array<std::mutex, 64> objects_;
};

/// A response that is known as a whole.
class AnswerExchange final : public StoreExchange {
public:
    explicit AnswerExchange(Answer answer) : answer_(std::move(answer)) {}
    Result<void> write(std::span<const std::byte> /*body*/) override { return {}; }
    Result<ResponseHead> finish(const Headers& /*footers*/) override { return answer_.head; }
    Result<std::size_t> read(std::span<std::byte> into) override {
        const auto rest = bytes_of(answer_.body).subspan(sent_);
        const std::size_t size = std::min(rest.size(), into.size());
        std::copy_n(rest.begin(), size, into.begin());
        sent_ += size;
        return size;
    }

private:
    Answer answer_;
    std::size_t sent_ = 0;
};

std::unique_ptr<StoreExchange> answering(Answer answer) { return std::make_unique<AnswerExchange>(std::move(answer)); }

Answer empty_answer(int status) {
    Answer answer = swift_answer(status);
    answer.body.clear();
    if (answer.head.headers.has("Content-Length")) answer.head.headers.set("Content-Length", "0");
    return answer;
}

/// GET and HEAD of an object: sends pieces of its data and text between them.
class ReadExchange final : public StoreExchange {
public:
    ReadExchange(ObjectResponse response, File data) : response_(std::move(response)), data_(std::move(data)) {}
    Result<void> write(std::span<const std::byte> /*body*/) override { return {}; }
    Result<ResponseHead> finish(const Headers& /*footers*/) override { return response_.head; }

    Result<std::size_t> read(std::span<std::byte> into) override {
        std::size_t filled = 0;
        while (filled < into.size() && piece_ < response_.body.size()) {
            const std::size_t size = TRY(read_piece(into.subspan(filled)));
            filled += size;
            done_ += size;
            if (done_ < size_of(response_.body[piece_])) continue;
            ++piece_;
            done_ = 0;
        }
        return filled;
    }

private:
    using Piece = std::variant<std::string, ByteRange>;

    static std::uint64_t size_of(const Piece& piece) {
        const auto* text = std::get_if<std::string>(&piece);
        return text != nullptr ? text->size() : std::get<ByteRange>(piece).size();
    }

    Result<std::size_t> read_piece(std::span<std::byte> into) const {
        const Piece& piece = response_.body[piece_];
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_of(piece) - done_));
        if (const auto* text = std::get_if<std::string>(&piece)) {
            std::copy_n(bytes_of(*text).begin() + static_cast<std::ptrdiff_t>(done_), size, into.begin());
            return size;
        }
        if (size == 0) return std::size_t{0};
        const std::size_t read = TRY(data_.read_at(std::get<ByteRange>(piece).begin + done_, into.first(size)));
        if (read == 0) return Error{Code::Io, "an object's data ended early", {}};
        return read;
    }

    ObjectResponse response_;
    File data_;
    std::size_t piece_ = 0;
    std::uint64_t done_ = 0;
};

/// PUT of an object: the body goes to a temporary file, finish() moves it into place.
class PutExchange final : public StoreExchange {
public:
    static Result<std::unique_ptr<StoreExchange>> start(Store& store, const RequestHead& request, ObjectPath path) {
        const std::string temporary = joined(store.layout().temporary(), random_uuid()) + std::string(DataSuffix);
        auto file = TRY(File::create(temporary));
        auto md5 = TRY(crypto::Md5::create());
        return {
            std::make_unique<PutExchange>(store, request, std::move(path), temporary, std::move(file), std::move(md5))};
    }

    PutExchange(Store& store, RequestHead request, ObjectPath path, std::string temporary, File file, crypto::Md5 md5)
        : store_(store),
          request_(std::move(request)),
          path_(std::move(path)),
          temporary_(std::move(temporary)),
          file_(std::move(file)),
          md5_(std::move(md5)),
          etag_follows_(request_.headers.has(EtagFollows)) {}
    PutExchange(const PutExchange&) = delete;
    PutExchange& operator=(const PutExchange&) = delete;
    ~PutExchange() override {
        // Moved into place, it is gone from here.
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    Result<void> write(std::span<const std::byte> body) override {
        TRY(file_.write_all(body));
        size_ += body.size();
        if (etag_follows_) return {};
        return md5_.update(body);
    }

    Result<ResponseHead> finish(const Headers& footers) override {
        const bool short_body = request_.body_length && *request_.body_length != size_;
        if (short_body) return swift_answer(499).head;
        ObjectRecord record = TRY(make_record(footers));
        const bool is_known = etag_follows_ && size_ > 0;
        if (is_known && !record.headers.has("Etag")) return Error{Code::Internal, "no ETag followed the body", {}};
        const std::string md5 = is_known ? record.headers.value_or("Etag", "") : TRY(md5_.hex());
        const bool wrong_body = record.headers.has("Etag") && without_quotes(*record.headers.find("Etag")) != md5;
        if (wrong_body) return refuse(422);
        record.headers.set("Etag", md5);
        TRY(file_.sync());
        const int status = TRY(move_into_place(record));
        if (status != 201) return refuse(status);
        ResponseHead response = empty_answer(201).head;
        response.headers.add("Etag", md5);
        response.headers.add("Last-Modified", record.last_modified());
        return response;
    }

    Result<std::size_t> read(std::span<std::byte> into) override {
        return refusal_ == nullptr ? std::size_t{0} : refusal_->read(into);
    }

private:
    Result<ResponseHead> refuse(int status) {
        refusal_ = answering(status == 412 ? empty_answer(412) : swift_answer(status));
        return refusal_->finish({});
    }

    Result<ObjectRecord> make_record(const Headers& footers) const {
        ObjectRecord record;
        record.name = path_.object;
        record.data_file = fs::path(temporary_).filename().string();
        record.size = size_;
        record.modified_us = store_.now_us();
        record.headers.set("Content-Type", "application/octet-stream");
        const std::array<const Headers*, 2> sources{&request_.headers, &footers};
        for (const Headers* source : sources) {
            for (const auto& [name, value] : *source) {
                if (is_stored_by_put(name)) record.headers.set(title_case(name), value);
            }
        }
        return record;
    }

    /// 201, or 412 if the object must not be there and is.
    Result<int> move_into_place(const ObjectRecord& record) {
        const auto adding = store_.adding();
        TRY(store_.make_container(path_, {}));
        const std::string folder = TRY(store_.layout().object(path_));
        const auto lock = store_.changing(folder);
        const std::string* none_match = request_.headers.find("If-None-Match");
        const bool only_new = none_match != nullptr && matches(*none_match, "");
        const auto known = current_record(folder, store_.now_us());
        if (!known && known.error().code != Code::NotFound) return known.error();
        if (only_new && known) return 412;
        TRY(make_folder(folder));
        // Data first, then the record that names it: the second rename is the switch. The file system keeps the order
        // of the two, and replace_file puts both on the disk.
        const std::string data = joined(folder, record.data_file);
        TRY(rename_file(temporary_, data));
        auto replaced = replace_file(joined(folder, ObjectFile), to_json(record), store_.layout().temporary());
        if (!replaced) {
            ::unlink(data.c_str());
            return replaced.error();
        }
        temporary_.clear();
        remove_old_data(folder, record.data_file);
        return 201;
    }

    /// Data that no record names: of the object before this one, or of a PUT that was killed. Readers that have it open
    /// keep it.
    static void remove_old_data(const std::string& folder, const std::string& current) {
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(folder, failed)) {
            const std::string name = entry.path().filename().string();
            if (name.ends_with(DataSuffix) && name != current) ::unlink(entry.path().c_str());
        }
    }

    Store& store_;
    RequestHead request_;
    ObjectPath path_;
    std::string temporary_;
    File file_;
    crypto::Md5 md5_;
    const bool etag_follows_;
    std::uint64_t size_ = 0;
    std::unique_ptr<StoreExchange> refusal_;
};

/// The names behind the folders in `folder`. A shortened one is read from its metadata.
Result<std::vector<std::pair<std::string, std::string>>> names_in(const std::string& folder,
                                                                  std::string_view record_file) {
    std::vector<std::pair<std::string, std::string>> names;
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
        const std::string file_name = entry->path().filename().string();
        if (file_name.starts_with('.')) continue;
        const std::string record_path = joined(entry->path().string(), record_file);
        auto name = name_of_stored(file_name);
        if (!name) {
            const auto record = load_record(record_path);
            if (!record) continue;
            name = record->name;
        }
        names.emplace_back(*std::move(name), entry->path().string());
    }
    if (failed == std::errc::no_such_file_or_directory) return Error{Code::NotFound, "no such folder", folder};
    if (failed) return Error{Code::Io, "the object store failed to read a folder: " + failed.message(), folder};
    std::sort(names.begin(), names.end());
    return names;
}

std::string folder_of(const std::vector<std::pair<std::string, std::string>>& names, const std::string& name) {
    const auto found = std::lower_bound(names.begin(), names.end(), std::pair(name, std::string()));
    return found->second;
}

class DirectoryUpstream final : public Upstream {
public:
    DirectoryUpstream(Layout layout, File lock, const Clock& clock)
        : store_(std::move(layout), std::move(lock), clock) {}

    Result<std::unique_ptr<StoreExchange>> start(const RequestHead& request) override {
        const auto target = parse_target(request.target);
        if (!target) return answering(swift_answer(404));
        const ObjectPath& path = target->path;
        const bool is_text = is_utf8(path.object_path());
        if (!is_text) return answering(text_answer(412, "Invalid UTF8 or contains NULL"));
        auto exchange = path.is_object()      ? start_object(request, path)
                        : path.is_container() ? start_container(request, *target)
                                              : start_account(request, *target);
        if (!exchange && exchange.error().code == Code::NotFound) return answering(swift_answer(404));
        return exchange;
    }

    Result<bool> replace_headers(const ObjectPath& path, const Headers& seen, const Headers& replacement) override {
        const auto adding = store_.adding();
        const std::string folder = TRY(store_.layout().object(path));
        const auto lock = store_.changing(folder);
        auto record = current_record(folder, store_.now_us());
        if (!record && record.error().code == Code::NotFound) return false;
        if (!record) return record.error();
        for (const auto& [name, value] : seen) {
            const std::string* now = record->headers.find(name);
            if (now == nullptr || *now != value) return false;
        }
        for (const auto& [name, value] : replacement) record->headers.set(title_case(name), value);
        TRY(replace_file(joined(folder, ObjectFile), to_json(*record), store_.layout().temporary()));
        return true;
    }

private:
    using Started = Result<std::unique_ptr<StoreExchange>>;
    using Names = std::vector<std::pair<std::string, std::string>>;

    Started start_object(const RequestHead& request, const ObjectPath& path) {
        if (request.method == "GET" || request.method == "HEAD") return read_object(request, path);
        if (request.method == "PUT") return put_object(request, path);
        if (request.method == "POST") return post_object(request, path);
        if (request.method == "DELETE") return delete_object(path);
        return answering(swift_answer(405));
    }

    Started read_object(const RequestHead& request, const ObjectPath& path) {
        const std::string folder = TRY(store_.layout().object(path));
        auto object = TRY(open_object(folder, store_.now_us()));
        std::string boundary = random_uuid();
        std::erase(boundary, '-');
        return {std::make_unique<ReadExchange>(respond_with(request, object.record, boundary), std::move(object.data))};
    }

    Started put_object(const RequestHead& request, const ObjectPath& path) {
        if (path.container.size() > LongestContainerName || path.object.size() > LongestObjectName) {
            return answering(text_answer(400, "Object name length of " + std::to_string(path.object.size()) +
                                                  " longer than " + std::to_string(LongestObjectName)));
        }
        const std::string* none_match = request.headers.find("If-None-Match");
        if (none_match != nullptr && !matches(*none_match, "")) {
            return answering(text_answer(400, "If-None-Match only supports *"));
        }
        if (const auto refused = check_delete_at(request)) return answering(*refused);
        return PutExchange::start(store_, request, path);
    }

    std::optional<Answer> check_delete_at(const RequestHead& request) const {
        const std::string* delete_at = request.headers.find("X-Delete-At");
        if (delete_at == nullptr) return std::nullopt;
        const auto seconds = parse_number(*delete_at);
        if (!seconds) return text_answer(400, "Non-integer X-Delete-At");
        const bool past = *seconds <= static_cast<unsigned long long>(store_.now_us() / 1'000'000);
        if (past) return text_answer(400, "X-Delete-At in past");
        return std::nullopt;
    }

    Started post_object(const RequestHead& request, const ObjectPath& path) {
        if (const auto refused = check_delete_at(request)) return answering(*refused);
        const auto adding = store_.adding();
        const std::string folder = TRY(store_.layout().object(path));
        const auto lock = store_.changing(folder);
        ObjectRecord record = TRY(current_record(folder, store_.now_us()));
        record.headers.remove_if(is_replaced_by_post);
        for (const auto& [name, value] : request.headers) {
            const bool kept = is_replaced_by_post(name) || (equal_no_case(name, "Content-Type") && !value.empty());
            if (kept) record.headers.set(title_case(name), value);
        }
        record.modified_us = store_.now_us();
        TRY(replace_file(joined(folder, ObjectFile), to_json(record), store_.layout().temporary()));
        Answer accepted = empty_answer(202);
        return answering(std::move(accepted));
    }

    Started delete_object(const ObjectPath& path) {
        const auto adding = store_.adding();
        const std::string folder = TRY(store_.layout().object(path));
        const auto lock = store_.changing(folder);
        const ObjectRecord record = TRY(current_record(folder, store_.now_us()));
        const std::string file = joined(folder, ObjectFile);
        // With its record the object is gone; the rest is only tidying.
        if (::unlink(file.c_str()) != 0) return io_error("remove an object", file);
        TRY(sync_folder(folder));
        std::error_code ignored;
        fs::remove_all(folder, ignored);
        return answering(swift_answer(204));
    }

    Started start_container(const RequestHead& request, const Target& target) {
        const ObjectPath& path = target.path;
        if (request.method == "PUT") {
            if (path.container.size() > LongestContainerName) {
                return answering(text_answer(400, "Container name length of " + std::to_string(path.container.size()) +
                                                      " longer than " + std::to_string(LongestContainerName)));
            }
            const auto adding = store_.adding();
            const bool is_new = TRY(store_.make_container(path, request.headers));
            return answering(empty_answer(is_new ? 201 : 202));
        }
        if (request.method == "POST") {
            const auto adding = store_.adding();
            const std::string folder = TRY(store_.layout().container(path));
            TRY(load_record(joined(folder, ContainerFile)));
            TRY(store_.make_container(path, request.headers));
            return answering(swift_answer(204));
        }
        if (request.method == "DELETE") return delete_container(path);
        if (request.method == "GET" || request.method == "HEAD") return list_container(request, target);
        return answering(swift_answer(405));
    }

    Started delete_container(const ObjectPath& path) {
        const auto removing = store_.removing();
        const std::string folder = TRY(store_.layout().container(path));
        TRY(load_record(joined(folder, ContainerFile)));
        const Names objects = TRY(names_in(folder, ObjectFile));
        for (const auto& [name, object_folder] : objects) {
            if (load_record(joined(object_folder, ObjectFile))) return answering(swift_answer(409));
        }
        std::error_code failed;
        fs::remove_all(folder, failed);
        if (failed)
            return Error{Code::Io, "the object store failed to remove a container: " + failed.message(), folder};
        return answering(swift_answer(204));
    }

    Started list_container(const RequestHead& request, const Target& target) {
        const std::string folder = TRY(store_.layout().container(target.path));
        const ObjectRecord container = TRY(load_record(joined(folder, ContainerFile)));
        const auto query = ListingQuery::parse(target.query);
        if (!query) return answering(text_answer(412, query.error().message));
        const Names names = TRY(names_in(folder, ObjectFile));
        std::vector<std::string> present;
        std::map<std::string, ObjectRecord> records;
        std::uint64_t bytes = 0;
        for (const auto& [name, object_folder] : names) {
            auto record = current_record(object_folder, store_.now_us());
            if (!record) continue;  // being written or removed just now, or expired
            bytes += record->size;
            present.push_back(name);
            records.emplace(name, *std::move(record));
        }
        json::array entries;
        for (const ListedName& listed : select_names(present, *query)) {
            if (listed.subdir) {
                entries.push_back(json::object{{"subdir", listed.name}});
            } else {
                entries.push_back(entry_of(records.at(listed.name)));
            }
        }
        Answer answer = json_answer(request, entries);
        for (const auto& [name, value] : container.headers) answer.head.headers.add(name, value);
        answer.head.headers.add("X-Container-Object-Count", std::to_string(present.size()));
        answer.head.headers.add("X-Container-Bytes-Used", std::to_string(bytes));
        answer.head.headers.add("X-Timestamp", container.x_timestamp());
        answer.head.headers.add("Last-Modified", container.last_modified());
        return answering(std::move(answer));
    }

    static json::object entry_of(const ObjectRecord& record) {
        return {{"bytes", record.size},
                {"hash", latin1_as_text(record.listing_etag())},
                {"name", record.name},
                {"content_type", latin1_as_text(record.headers.value_or("Content-Type", ""))},
                {"last_modified", record.iso_modified()}};
    }

    /// A header's bytes as text: UTF-8 if they are, else one character a byte.
    static std::string latin1_as_text(const std::string& bytes) {
        return is_utf8(bytes) ? bytes : latin1_as_utf8(bytes);
    }

    static Answer json_answer(const RequestHead& request, const json::array& entries) {
        const bool is_head = request.method == "HEAD";
        Answer answer{{is_head ? 204 : 200, {}}, is_head ? "" : std::string(json::serialize(entries))};
        answer.head.headers.add("Content-Type", "application/json; charset=utf-8");
        if (!is_head) answer.head.headers.add("Content-Length", std::to_string(answer.body.size()));
        return answer;
    }

    Started start_account(const RequestHead& request, const Target& target) {
        if (request.method != "GET" && request.method != "HEAD") return answering(swift_answer(405));
        const auto query = ListingQuery::parse(target.query);
        if (!query) return answering(text_answer(412, query.error().message));
        const std::string account = TRY(store_.layout().account(target.path));
        const Names names = TRY(names_in(account, ContainerFile));
        std::vector<std::string> present;
        for (const auto& [name, folder] : names) present.push_back(name);
        json::array entries;
        for (const ListedName& listed : select_names(present, *query)) {
            const auto container = load_record(joined(folder_of(names, listed.name), ContainerFile));
            if (!container) continue;
            entries.push_back(json::object{{"name", listed.name}, {"last_modified", container->iso_modified()}});
        }
        Answer answer = json_answer(request, entries);
        answer.head.headers.add("X-Account-Container-Count", std::to_string(present.size()));
        return answering(std::move(answer));
    }

    Store store_;
};

/// What was being written when the process ended was never answered.
Result<void> clear_temporary(const std::string& folder) {
    std::error_code failed;
    fs::remove_all(folder, failed);
    if (failed) return Error{Code::Io, "the object store failed to empty a folder: " + failed.message(), folder};
    TRY(make_folder(folder));
    return {};
}

Result<File> lock_directory(const std::string& root) {
    auto opened = File::create(root + "/.lock");
    if (!opened && opened.error().code == Code::Conflict) opened = File::open(root + "/.lock");
    File lock = TRY(std::move(opened));
    if (::flock(lock.descriptor(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return io_error("lock a folder", root);
    return Error{Code::Refused, "another process has the object folder " + root + " open", {}};
}

}  // namespace

Result<std::unique_ptr<Upstream>> make_directory_upstream(const DirectoryConfig& config, const Clock& clock) {
    std::error_code failed;
    fs::create_directories(config.path, failed);
    if (failed) return Error{Code::Io, "the object folder cannot be made: " + failed.message(), config.path};
    Layout layout(config.path);
    File lock = TRY(lock_directory(config.path));
    TRY(clear_temporary(layout.temporary()));
    return {std::make_unique<DirectoryUpstream>(std::move(layout), std::move(lock), clock)};
}

Result<StoredObject> inspect_directory(const DirectoryConfig& config, std::string_view target) {
    const Target parsed = TRY(parse_target(target));
    if (!parsed.path.is_object()) return Error{Code::InvalidInput, "the path names no object", {}};
    const std::string folder = TRY(Layout(config.path).object(parsed.path));
    auto record = load_record(joined(folder, ObjectFile));
    if (!record && record.error().code == Code::NotFound) {
        return Error{Code::NotFound, "no such object: " + std::string(target), folder};
    }
    if (!record) return record.error();
    return StoredObject{record->headers, record->size, joined(folder, record->data_file)};
}

}  // namespace sallyport::object
