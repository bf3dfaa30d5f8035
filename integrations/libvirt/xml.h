#pragma once

#include <libxml/tree.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"

namespace sallyport::libvirt::xml {

struct DocumentFree {
    void operator()(xmlDoc* document) const noexcept { xmlFreeDoc(document); }
};
using Document = std::unique_ptr<xmlDoc, DocumentFree>;

/// Reads what may come from anybody: at most 4 MiB, no DTD (hence no entities), no network, libxml2's limits of depth.
/// `what` begins the message of an error. Error: `InvalidInput` (with the line), `TooLarge`.
Result<Document> parse(std::string_view text, std::string_view what);

/// The elements among the children of `parent`; a null parent has none. Borrowed from the document.
std::vector<const xmlNode*> children(const xmlNode* parent);
bool is_element(const xmlNode* node, std::string_view name);
/// The first child element of that name, or nullptr.
const xmlNode* child(const xmlNode* parent, std::string_view name);
/// Empty if the attribute is absent.
std::string attribute(const xmlNode* node, const char* name);
/// The text inside, without the white space around it; empty for a null node.
std::string text(const xmlNode* node);
std::string escape(std::string_view text);

}  // namespace sallyport::libvirt::xml
