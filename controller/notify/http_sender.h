// Alertmanagers and webhooks: what they are sent, and what their answers mean.
//
//     2xx                          acknowledged
//     400, 409, 413, 415, 422, …   refused for what it says: the other 4xx
//     401, 403, 404, 405, 407,
//     408, 429, 3xx                refused whatever it says
//     5xx, or no answer            it may have arrived
//     not connected                it has not
//
// Problems name the receiver's scheme, host and port only: paths of webhooks can be secrets.
#ifndef TCPMEDIC_CONTROLLER_NOTIFY_HTTP_SENDER_H_
#define TCPMEDIC_CONTROLLER_NOTIFY_HTTP_SENDER_H_

#include <memory>
#include <string>

#include "controller/notify/http_client.h"
#include "controller/notify/receivers.h"
#include "controller/notify/sender.h"

namespace tcpmedic {

// Alertmanager takes a list at once; one message stays below some 2 MiB.
inline constexpr int kMostAlertsAtOnce = 64;

// Of an Alertmanager or a webhook. The file of its token is read with each Send.
std::unique_ptr<Sender> MakeHttpSender(Receiver receiver, std::unique_ptr<HttpClient> client,
                                       absl::Duration timeout = kAnswerTimeout);

// Pure. `where` is "http://127.0.0.1:9093".
SendResult ResultOf(const HttpAnswer& answer, const std::string& where);

}  // namespace tcpmedic

#endif  // TCPMEDIC_CONTROLLER_NOTIFY_HTTP_SENDER_H_
