#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/config.h"
#include "keymanager/base/result.h"

namespace YAML {
class Node;
}

/// How one value of the configuration is read from YAML, written as YAML, and described to people.
namespace sallyport::config {

template <class T>
struct ValueType {
    std::string words;  ///< "an integer from 1 to 100": after "expected", and in the reference
    /// Error: the message is what to say after the option's name ("expected ..., found ...", or what is wrong with a
    /// file). With `look_at_files` false files are not touched.
    std::function<Result<T>(const YAML::Node&, bool look_at_files)> read;
    std::function<std::string(const T&)> show;  ///< as YAML on one line
};

ValueType<bool> boolean();
ValueType<std::int64_t> integer(std::int64_t least, std::int64_t most);
/// `words` says what the text is: "a project's name or id".
ValueType<std::string> text(const std::string& words = "text");
/// Text that may be empty.
ValueType<std::string> any_text();
/// http:// or https://, with a host.
ValueType<std::string> http_url();
/// The path of a file that can be read.
ValueType<std::string> readable_file();
/// A path that need not exist yet. `words`: "the path of a socket".
ValueType<std::string> path(const std::string& words);
ValueType<std::string> uuid();
ValueType<SecretFile> secret_file();
/// The same, or "credential:NAME" or "env:NAME", which only the unit that runs the agent has.
ValueType<SecretFile> secret_source();
ValueType<TcpAddress> tcp_address();
ValueType<::mode_t> file_mode();
/// Any text as keys, UUIDs as values.
ValueType<std::map<std::string, std::string>> uuids_by_name();

template <class E>
using Words = std::vector<std::pair<std::string, E>>;

/// "expected {words}, found {what stands there}".
Error mismatch(const std::string& words, const YAML::Node& node);
/// Text as a YAML scalar: plain where that is safe, else in double quotes.
std::string yaml_scalar(const std::string& text);

namespace detail {
std::string one_of_words(const std::vector<std::string>& words);
const std::string* scalar_of(const YAML::Node& node);
Result<void> for_each_item(const YAML::Node& node, const std::string& words,
                           const std::function<Result<void>(const YAML::Node& item)>& read_item);
}  // namespace detail

/// One word of a closed list.
template <class E>
ValueType<E> one_of(Words<E> words) {
    std::vector<std::string> names;
    for (const auto& [name, value] : words) names.push_back(name);
    const std::string description = detail::one_of_words(names);
    return {description,
            [words, description](const YAML::Node& node, bool) -> Result<E> {
                const std::string* const scalar = detail::scalar_of(node);
                for (const auto& [name, value] : words) {
                    if (scalar != nullptr && *scalar == name) return value;
                }
                return mismatch(description, node);
            },
            [words](const E& value) -> std::string {
                for (const auto& [name, candidate] : words) {
                    if (candidate == value) return name;
                }
                return {};
            }};
}

template <class T>
ValueType<std::vector<T>> list_of(ValueType<T> item) {
    const std::string words = "a list, each " + item.words;
    return {words,
            [item, words](const YAML::Node& node, bool look_at_files) -> Result<std::vector<T>> {
                std::vector<T> values;
                const Result<void> done =
                    detail::for_each_item(node, words, [&](const YAML::Node& element) -> Result<void> {
                        values.push_back(TRY(item.read(element, look_at_files)));
                        return {};
                    });
                if (!done) return done.error();
                return values;
            },
            [item](const std::vector<T>& values) {
                std::string text;
                for (const T& value : values) text += (text.empty() ? "" : ", ") + item.show(value);
                return "[" + text + "]";
            }};
}

}  // namespace sallyport::config
