#include "integrations/libvirt/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

namespace sallyport::libvirt::xml {
namespace {

constexpr std::size_t LargestDocument = 4 * 1024 * 1024;

struct ContextFree {
    void operator()(xmlParserCtxt* context) const noexcept { xmlFreeParserCtxt(context); }
};
struct TextFree {
    void operator()(xmlChar* text) const noexcept { xmlFree(text); }
};
using Text = std::unique_ptr<xmlChar, TextFree>;

// libvirt never writes a DTD. The first word of one ends the parser, before any entity can be declared.
void refuse_dtd(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
    auto* parser = static_cast<xmlParserCtxt*>(context);
    *static_cast<bool*>(parser->_private) = true;
    xmlStopParser(parser);
}

std::string string_of(const Text& text) {
    return text ? std::string(reinterpret_cast<const char*>(text.get())) : std::string();
}

const xmlChar* xml_name(const char* name) { return reinterpret_cast<const xmlChar*>(name); }

}  // namespace

Result<Document> parse(std::string_view text, std::string_view what) {
    const std::string prefix(what);
    if (text.size() > LargestDocument) return Error{Code::TooLarge, prefix + " is longer than 4 MiB", {}};
    // XML 1.0, section 2.2: no NUL. libxml2 would take the first one for the end.
    if (text.find('\0') != std::string_view::npos) return Error{Code::InvalidInput, prefix + " holds a NUL byte", {}};
    // The library's first use must not be in two threads at once (xmlInitParser(3)).
    static const bool ready = (xmlInitParser(), true);
    static_cast<void>(ready);
    const std::unique_ptr<xmlParserCtxt, ContextFree> context(xmlNewParserCtxt());
    if (!context) return Error{Code::Overloaded, "out of memory for an XML parser", {}};
    bool has_dtd = false;
    context->_private = &has_dtd;
    context->sax->internalSubset = refuse_dtd;
    Document document(xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
    if (has_dtd)
        return Error{Code::InvalidInput, prefix + " has a document type declaration, which is not accepted", {}};
    if (!document || context->wellFormed != 1 || xmlDocGetRootElement(document.get()) == nullptr) {
        const xmlError* error = xmlCtxtGetLastError(context.get());
        return Error{
            Code::InvalidInput,
            prefix + " is not well-formed XML" + (error == nullptr ? "" : ": line " + std::to_string(error->line)),
            {}};
    }
    return document;
}

std::vector<const xmlNode*> children(const xmlNode* parent) {
    std::vector<const xmlNode*> found;
    if (parent == nullptr) return found;
    for (const xmlNode* node = parent->children; node != nullptr; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) found.push_back(node);
    }
    return found;
}

bool is_element(const xmlNode* node, std::string_view name) {
    return node->type == XML_ELEMENT_NODE && name == reinterpret_cast<const char*>(node->name);
}

const xmlNode* child(const xmlNode* parent, std::string_view name) {
    for (const xmlNode* node : children(parent)) {
        if (is_element(node, name)) return node;
    }
    return nullptr;
}

std::string attribute(const xmlNode* node, const char* name) {
    return string_of(Text(xmlGetNoNsProp(node, xml_name(name))));
}

std::string text(const xmlNode* node) {
    if (node == nullptr) return {};
    const std::string content = string_of(Text(xmlNodeGetContent(node)));
    const auto begin = content.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return {};
    return content.substr(begin, content.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&': escaped += "&amp;"; break;
            case '<': escaped += "&lt;"; break;
            case '>': escaped += "&gt;"; break;
            case '\'': escaped += "&apos;"; break;
            case '"': escaped += "&quot;"; break;
            default: escaped += c;
        }
    }
    return escaped;
}

}  // namespace sallyport::libvirt::xml
