#include "agent/cli/image_watch.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "agent/config/config.h"
#include "agent/images/watcher.h"
#include "integrations/image/notification_queue.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/log.h"
#include "keymanager/base/private_file.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr PrivateFileKind UrlFile{.what = "file of RabbitMQ's URL", .most_bytes = 4096};
/// A look walks through all images.
constexpr std::chrono::hours LookPatience{1};
constexpr std::chrono::milliseconds Breath{500};

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int) { stop_asked = 1; }

/// SIGTERM and SIGINT end the loop between two notifications.
void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = ask_to_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
}

/// The URLs of a cluster's brokers, a line each, in locked memory.
Result<std::vector<SecureBytes>> read_urls(const std::string& path) {
    const SecureBytes file = TRY(read_private_file(path, UrlFile));
    std::string_view rest = text_of(file.reveal());
    std::vector<SecureBytes> urls;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
        if (!line.empty()) urls.push_back(TRY(SecureBytes::copy_of(bytes_of(line))));
    }
    if (urls.empty()) return Error{Code::InvalidInput, path + " holds no URL", {}};
    return urls;
}

/// The brokers in turn, whichever lets us in first. The file is read each time: a password may be changed.
Result<std::unique_ptr<image::NotificationQueue>> connect(const std::string& url_file,
                                                          const image::NotificationSource& source) {
    const auto urls = TRY(read_urls(url_file));
    Error last{Code::Unavailable, {}, {}};
    for (const SecureBytes& url : urls) {
        auto queue = image::NotificationQueue::connect(url, source);
        if (queue) return queue;
        last = queue.error();
    }
    return last;
}

Result<void> watch(CliContext& context) {
    const config::Config config = TRY(config::load_without_files(context.config_file));
    if (!config.images) {
        return Error{Code::NotFound, context.config_file + " has no section `images`: there is nothing to watch", {}};
    }
    const config::Notifications& where = config.images->notifications;
    const image::NotificationSource source{.ca_file = where.ca_file,
                                           .exchange = where.exchange,
                                           .routing = where.topic + ".info",
                                           .queue = where.queue,
                                           .durable_exchange = where.durable_exchange};
    AgentClient agent = TRY(AgentClient::from_config(context));
    AgentClient looking = TRY(AgentClient::from_config(context));
    looking.set_patience(LookPatience);

    images::WatchHooks hooks;
    if (!where.url_file.empty()) hooks.connect = [&] { return connect(where.url_file.path, source); };
    hooks.tell = [&agent](const model::ImageKey& image) -> Result<void> {
        TRY(tell_agent(agent, image));
        return {};
    };
    hooks.look = [&looking]() -> Result<void> {
        const json::value answer = TRY(looking.call("POST", "/sallyport/v1/images/look", json::object{}));
        log_info("looked: {}", json::serialize(answer));
        return {};
    };
    // A signal wakes it.
    hooks.pause = [](std::chrono::milliseconds time) { ::poll(nullptr, 0, static_cast<int>(time.count())); };
    hooks.stops = [] { return stop_asked != 0; };

    open_log(config.log.level, config.log.format);
    stop_on_signals();
    images::Watcher watcher(std::move(hooks),
                            {.between_looks = std::chrono::seconds(config.images->look_seconds), .breath = Breath});
    log_info("watching for images that are deleted");
    watcher.run();
    return {};
}

}  // namespace

Result<json::value> tell_agent(AgentClient& agent, const model::ImageKey& image) {
    return agent.call("POST", "/sallyport/v1/images/on-delete",
                      json::object{{"image", image.image},
                                   {"project", image.project.str()},
                                   {"key", image.secret.str()},
                                   {"policy", image.policy}});
}

void add_image_watch(CLI::App& noun, CliContext& context) {
    CLI::App& verb =
        add_verb(noun, context,
                 {"watch", "Delete the keys of images as they are deleted: by Glance's notifications, and by looking",
                  "sallyport image watch"});
    set_action(verb, context, [&context] { return watch(context); });
}

}  // namespace sallyport::cli
