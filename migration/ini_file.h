#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::migration {

/// One `name = value` of a file, with the lines that continue it.
struct IniAssignment {
    std::string group;  ///< as it stands between the brackets: " a" and "A" are groups of their own here
    std::string name;
    std::size_t first_line;  ///< counted from 1
    std::size_t last_line;
    std::size_t begin;  ///< [begin, end) are its whole lines in the file, line ends included
    std::size_t end;
};

/// One file in oslo.config's INI dialect (oslo_config/iniparser.py), as that reads it: `name = value` and
/// `name: value`; lines that start with a blank continue a value; `#` and `;` start a comment only at the start of a
/// line; quotes around the whole first line of a value go; white space is Unicode's; \n, \r and \r\n end lines.
///
/// Values stay in locked memory: they may be passwords. No error ever quotes the file.
class IniFile {
public:
    /// `name` is for messages. Error: `InvalidInput` with file, line and what to do.
    static Result<IniFile> parse(const SecureBytes& text, const std::string& name);

    const std::string& name() const { return name_; }
    const std::vector<IniAssignment>& assignments() const { return assignments_; }
    /// The value of assignments()[index]: quotes gone, continuation lines joined with \n. It lives as long as this.
    std::span<const std::byte> reveal_value(std::size_t index) const;

private:
    friend class IniParser;
    struct Extent {
        std::size_t begin;
        std::size_t size;
    };

    std::string name_;
    std::vector<IniAssignment> assignments_;
    std::vector<Extent> extents_;  ///< of each assignment's value in values_
    SecureBytes values_;
};

}  // namespace sallyport::migration
