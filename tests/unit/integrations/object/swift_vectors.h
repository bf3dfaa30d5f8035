#pragma once

#include <boost/json.hpp>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "integrations/object/filter.h"
#include "integrations/object/upstream.h"
#include "keymanager/base/bytes.h"

/// What the tests that replay Swift's vectors share (tests/vectors/swift).
namespace sallyport::object::vectors {

namespace json = boost::json;

/// The vectors of one file.
json::array load(const std::string& file);
/// The ids of a file's vectors, "-" replaced so that gtest takes them as names.
std::vector<std::string> ids(const std::string& file);
/// The vector of that id (as given by ids()).
json::object find(const std::string& file, const std::string& id);

std::string text(const json::object& object, const char* name);
/// A string, or the bytes of {"not_utf8_hex": ...}.
std::string bytes(const json::value& value);
bool is_garbage(const json::value& value);
std::string body_of(const json::object& spec);

RootSecrets root_secrets(const json::object& keymaster);
bool is_disabled(const json::object& keymaster);

/// Hands out recorded draws, and fails when they are used up or of the wrong kind.
class Draws final : public RandomSource {
public:
    explicit Draws(const json::array& draws);
    Result<crypto::CounterBlock> draw_iv() override;
    Result<SecureBytes> draw_key() override;
    std::size_t left() const { return draws_.size(); }

private:
    std::deque<Bytes> draws_;
};

/// An upstream of its own in a folder that goes with it.
class TemporaryStore {
public:
    TemporaryStore();
    ~TemporaryStore();
    TemporaryStore(const TemporaryStore&) = delete;
    TemporaryStore& operator=(const TemporaryStore&) = delete;
    Upstream& operator*() { return *upstream_; }
    Upstream* operator->() { return upstream_.get(); }
    const std::string& path() const { return path_; }
    /// Closes and opens it, as a restart does.
    void reopen();

private:
    std::string path_;
    std::unique_ptr<Upstream> upstream_;
};

struct Reply {
    int status = 0;
    Headers headers;
    std::string body;
    std::string header(std::string_view name) const { return headers.value_or(name, "<none>"); }
};

/// The store's own answer, without a filter.
Reply send_raw(Upstream& upstream, RequestHead request, std::string_view body = "");
/// Through a filter, in chunks of odd sizes.
Reply send(Upstream& upstream, const RootSecrets& secrets, RandomSource& random, RequestHead request,
           std::string_view body = "", FilterOptions options = {});

/// Stores what a vector says was stored, as it is.
void store_as_recorded(Upstream& upstream, const std::string& request_path, const json::object& stored,
                       std::string_view ciphertext);

std::string sha256_hex(std::string_view data);

}  // namespace sallyport::object::vectors
