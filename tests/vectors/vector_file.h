#pragma once

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/vectors/vectors.h"

namespace sallyport {

/// A paragraph of "Name = value" lines of a .vec file.
using Vector = std::map<std::string, std::string>;

/// The paragraphs of tests/vectors/`name`; none if there is no such file, which every test that asks for some notices.
inline std::vector<Vector> read_vectors(const std::string& name) {
    std::vector<Vector> vectors;
    Vector current;
    std::ifstream file(vectors_path(name));
    for (std::string line; std::getline(file, line);) {
        const auto equals = line.find(" = ");
        if (line.empty() && !current.empty()) vectors.push_back(std::exchange(current, {}));
        if (!line.starts_with('#') && equals != std::string::npos)
            current[line.substr(0, equals)] = line.substr(equals + 3);
        // "Name = " with an empty value may have lost its blank at the end of the line.
        if (line.ends_with(" =")) current[line.substr(0, line.size() - 2)] = "";
    }
    if (!current.empty()) vectors.push_back(current);
    return vectors;
}

}  // namespace sallyport
