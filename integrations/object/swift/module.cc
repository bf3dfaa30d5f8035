#include <pybind11/pybind11.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "integrations/object/agent_answer.h"
#include "integrations/object/filter.h"
#include "integrations/object/granted_keys.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/log_sink.h"
#include "keymanager/base/secure_bytes.h"

// The core of the paste filter `sallyport` (filter.py beside this file) as a Python module. Names, headers and paths
// are WSGI's texts (PEP 3333): each character is one byte. Nothing here opens a socket or a file.

namespace sallyport::object {
namespace {

namespace py = pybind11;

/// Bytes below which handing over the interpreter costs more than the work.
constexpr std::size_t WorthReleasing = 4096;
/// A question is the first line of an HTTP request, for which the agent takes 16 KiB; the longest path has 5 KB.
constexpr std::size_t LongestQuestion = 8192;
constexpr std::string_view KeysTarget = "/sallyport/v1/objects/keys";

/// The bytes that a WSGI text stands for.
std::string bytes_of_wsgi(py::handle text) {
    if (!PyUnicode_Check(text.ptr()) || PyUnicode_READY(text.ptr()) != 0) throw py::type_error("not a text");
    if (PyUnicode_KIND(text.ptr()) != PyUnicode_1BYTE_KIND) throw py::value_error("a text that is not WSGI's");
    return {static_cast<const char*>(PyUnicode_DATA(text.ptr())),
            static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr()))};
}

py::str wsgi_of(std::string_view bytes) {
    return py::reinterpret_steal<py::str>(
        PyUnicode_DecodeLatin1(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
}

Headers headers_of(const py::list& pairs) {
    Headers headers;
    for (const py::handle pair : pairs) {
        headers.add(bytes_of_wsgi(PySequence_Fast_GET_ITEM(pair.ptr(), 0)),
                    bytes_of_wsgi(PySequence_Fast_GET_ITEM(pair.ptr(), 1)));
    }
    return headers;
}

py::list list_of(const Headers& headers) {
    py::list pairs;
    for (const auto& [name, value] : headers) pairs.append(py::make_tuple(wsgi_of(name), wsgi_of(value)));
    return pairs;
}

/// _sallyport.Refused(status, body, content_type): the answer that the client gets instead.
PyObject* refused_type = nullptr;

[[noreturn]] void refuse(const Answer& answer) {
    const py::tuple arguments = py::make_tuple(answer.head.status, py::bytes(answer.body),
                                               wsgi_of(answer.head.headers.value_or("Content-Type", "text/plain")));
    PyErr_SetObject(refused_type, arguments.ptr());
    throw py::error_already_set();
}

void checked(const Result<void>& done) {
    if (done) return;
    log_error("object request failed: {} {}", done.error().message, done.error().detail);
    refuse(swift_answer(done.error().code == Code::Overloaded ? 503 : 500));
}

/// Bytes of locked memory into which Python's socket receives what the agent grants.
class SecureBuffer {
public:
    explicit SecureBuffer(std::size_t size) {
        auto bytes = SecureBytes::of_size(size);
        if (!bytes) refuse(swift_answer(503));
        bytes_ = *std::move(bytes);
    }

    py::buffer_info view() {
        const auto bytes = bytes_.writable();
        return {bytes.data(), 1, py::format_descriptor<unsigned char>::format(),
                static_cast<py::ssize_t>(bytes.size())};
    }
    std::size_t size() const { return bytes_.size(); }
    std::span<const std::byte> bytes(std::size_t begin, std::size_t size) const {
        if (begin > bytes_.size() || size > bytes_.size() - begin) throw py::index_error("beyond the buffer");
        return bytes_.reveal().subspan(begin, size);
    }

    /// (status, Content-Length, length of the head, whether the connection stays) of the response of which `filled`
    /// bytes have come; None while its head is not whole. Here rather than in Python, so that what stands behind the
    /// head stays where it is.
    py::object http_head(std::size_t filled) const {
        const auto head = read_agent_answer(text_of(bytes(0, filled)));
        if (!head) throw py::value_error(head.error().message);
        if (!*head) return py::none();
        return py::make_tuple((*head)->status, (*head)->body_length, (*head)->size, (*head)->stays);
    }

    /// A longer one that begins with the first `filled` bytes of this.
    std::unique_ptr<SecureBuffer> grown(std::size_t size, std::size_t filled) const {
        auto longer = std::make_unique<SecureBuffer>(std::max(size, filled));
        std::ranges::copy(bytes(0, filled), longer->bytes_.writable().begin());
        return longer;
    }

private:
    SecureBytes bytes_;
};

/// One request through ObjectFilter, with keys that come from the agent when they are needed:
///
///     while question := request.question(): request.answer(…what the agent answers…)
class Request {
public:
    /// `parts`: (account, container) or (account, container, object).
    Request(const std::string& method, const py::tuple& parts, bool disable_encryption)
        : filter_(keys_, system_random(), {.disable_encryption = disable_encryption, .check_metadata = false}) {
        path_.account = bytes_of_wsgi(parts[0]);
        path_.container = bytes_of_wsgi(parts[1]);
        if (parts.size() > 2) path_.object = bytes_of_wsgi(parts[2]);
        if (!is_utf8(path_.object_path())) throw py::value_error("the path is not UTF-8");
        head_.method = method;
        head_.target = "/v1" + percent_encoded(path_.container_path(), "/");
        if (path_.is_object()) head_.target += "/" + percent_encoded(path_.object, "/");
    }

    /// The keys of the request's own path are needed, whatever comes.
    void want_own_keys() {
        for (std::string& path : key_paths(path_)) wanted_.push_back(std::move(path));
    }

    /// Target and query of the GET that asks the agent for what is missing; None if nothing is.
    py::object question() {
        if (wanted_.empty()) wanted_ = keys_.missing();
        asked_.clear();
        std::string target(KeysTarget);
        while (!wanted_.empty()) {
            const std::string quoted = percent_encoded(wanted_.back(), "/");
            if (!asked_.empty() && target.size() + quoted.size() > LongestQuestion) break;
            target.append(asked_.empty() ? "?path=" : "&path=").append(quoted);
            asked_.push_back(std::move(wanted_.back()));
            wanted_.pop_back();
        }
        if (asked_.empty()) return py::none();
        return py::bytes(target);
    }

    /// The answer's body, in `buffer` from `begin` on.
    void answer(const SecureBuffer& buffer, std::size_t begin, std::size_t size) {
        const auto taken = keys_.add(asked_, buffer.bytes(begin, size));
        if (!taken) throw py::value_error(taken.error().message);
    }

    /// The headers that replace `headers`.
    py::list request_head(const py::list& headers) {
        head_.headers = headers_of(headers);
        // Without keys conditional tags would be masked by none, and match nothing.
        if (keys_.ids().empty()) throw py::value_error("the keys were not asked for");
        seen_ = true;
        if (const auto refused = filter_.on_request_head(head_)) refuse(*refused);
        return list_of(head_.headers);
    }

    py::bytes encrypt(const py::bytes& chunk) {
        return changed(chunk, [this](auto in, auto out) { return filter_.on_request_body(in, out); });
    }

    py::list footers(const py::list& others) {
        auto end = filter_.on_request_end(headers_of(others));
        if (const auto* refused = std::get_if<Answer>(&end)) refuse(*refused);
        return list_of(std::get<Headers>(end));
    }

    /// The headers that replace `headers`; None if keys are missing: ask, and call again.
    py::object response_head(int status, const py::list& headers) {
        if (!seen_) see_request();
        ResponseHead head{status, headers_of(headers)};
        const auto refused = filter_.on_response_head(head);
        if (refused && !keys_.missing().empty()) return py::none();
        if (refused) refuse(*refused);
        return list_of(head.headers);
    }

    bool decrypts_body() const { return filter_.response_body() == ObjectFilter::Body::InPlace; }
    bool decrypts_listing() const { return filter_.response_body() == ObjectFilter::Body::Listing; }

    py::bytes decrypt(const py::bytes& chunk) {
        return changed(chunk, [this](auto in, auto out) { return filter_.on_response_body(in, out); });
    }

    /// The decrypted listing; None if keys are missing: ask, and call again.
    py::object listing(const py::bytes& body) {
        const auto text = static_cast<std::string_view>(body);
        auto decrypted = [&] {
            const py::gil_scoped_release released;
            return filter_.on_listing(text);
        }();
        const auto* refused = std::get_if<Answer>(&decrypted);
        if (refused != nullptr && !keys_.missing().empty()) return py::none();
        if (refused != nullptr) refuse(*refused);
        return py::bytes(std::get<std::string>(decrypted));
    }

private:
    /// A request that nothing was to be changed of still tells the filter what the response is about.
    void see_request() {
        seen_ = true;
        RequestHead plain{head_.method, head_.target, {}, {}};
        if (const auto refused = filter_.on_request_head(plain)) refuse(*refused);
    }

    /// A new bytes object with what `work` makes of `chunk`.
    template <class Work>
    static py::bytes changed(const py::bytes& chunk, Work work) {
        const auto in = static_cast<std::string_view>(chunk);
        auto out =
            py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(in.size())));
        if (!out) throw py::error_already_set();
        // Nobody else has it yet.
        const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(PyBytes_AS_STRING(out.ptr())), in.size());
        const auto run = [&] { return work(bytes_of(in), bytes); };
        Result<void> done;
        if (in.size() < WorthReleasing) {
            done = run();
        } else {
            const py::gil_scoped_release released;
            done = run();
        }
        checked(done);
        return out;
    }

    ObjectPath path_;
    RequestHead head_;
    bool seen_ = false;
    GrantedKeys keys_;
    std::vector<std::string> wanted_;
    std::vector<std::string> asked_;
    ObjectFilter filter_;
};

/// What the core has logged since the last call, for Python to log where Swift does.
std::mutex log_lock;
std::vector<std::string> log_lines;
constexpr std::size_t MostLogLines = 100;

void keep_log_line(LogLevel, std::string_view line) {
    const std::lock_guard held(log_lock);
    if (log_lines.size() < MostLogLines) log_lines.emplace_back(line);
}

py::list take_log() {
    std::vector<std::string> lines;
    {
        const std::lock_guard held(log_lock);
        lines.swap(log_lines);
    }
    py::list taken;
    for (const std::string& line : lines) taken.append(wsgi_of(line));
    return taken;
}

void open_arena(std::size_t bytes, bool insecure_allow_unlocked_memory) {
    const auto opened =
        open_secure_arena({.bytes = bytes, .insecure_allow_unlocked_memory = insecure_allow_unlocked_memory});
    if (!opened) throw std::runtime_error(opened.error().message + " " + opened.error().detail);
}

}  // namespace
}  // namespace sallyport::object

PYBIND11_MODULE(_sallyport, module) {
    using namespace sallyport::object;  // NOLINT(google-build-using-namespace): the module is all of this file
    module.doc() = "Swift's object encryption, by Sallyport";
    refused_type = PyErr_NewException("_sallyport.Refused", nullptr, nullptr);
    module.add_object("Refused", refused_type);
    sallyport::send_log_to(&keep_log_line);
    module.def("take_log", &take_log);
    module.def("open_arena", &open_arena, py::arg("bytes"), py::arg("insecure_allow_unlocked_memory") = false);
    py::class_<SecureBuffer>(module, "SecureBuffer", py::buffer_protocol())
        .def(py::init<std::size_t>())
        .def_buffer(&SecureBuffer::view)
        .def("__len__", &SecureBuffer::size)
        .def("http_head", &SecureBuffer::http_head)
        .def("grown", &SecureBuffer::grown);
    py::class_<Request>(module, "Request")
        .def(py::init<const std::string&, const py::tuple&, bool>())
        .def("want_own_keys", &Request::want_own_keys)
        .def("question", &Request::question)
        .def("answer", &Request::answer)
        .def("request_head", &Request::request_head)
        .def("encrypt", &Request::encrypt)
        .def("footers", &Request::footers)
        .def("response_head", &Request::response_head)
        .def_property_readonly("decrypts_body", &Request::decrypts_body)
        .def_property_readonly("decrypts_listing", &Request::decrypts_listing)
        .def("decrypt", &Request::decrypt)
        .def("listing", &Request::listing);
}
