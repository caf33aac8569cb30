// An order that samples call sites, in words: it only reads, so that it is neither verified nor
// taken back. Pure; the words are not yet escaped for a terminal.
#ifndef TCPMEDIC_CLI_RENDER_SAMPLING_WORDS_H_
#define TCPMEDIC_CLI_RENDER_SAMPLING_WORDS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tcpmedic/v1/operator.pb.h"

namespace tcpmedic::cli {

bool Samples(const v1::Order& order);
// The order whose call sites are to be shown: the newest that has found some, else the newest that
// samples. Null: none does.
const v1::Order* SamplingOrder(const v1::IncidentView& view);
// Nothing more will be found by it.
bool SamplingIsOver(const v1::Order& order);

// In a table's cell: "sent", "sampling", "sampled", "not sampled".
std::string SamplingWord(const v1::Order& order);
// In one line: "sampling, 12 of 60 s; it only reads", "sampled: 412 of 500 leaked descriptors: …",
// "not sampled: refused: …".
std::string SamplingWords(const v1::Order& order, absl::Time now);
// "12 of 60 s". Empty before it has begun.
std::string SampledSoFar(const v1::Order& order, absl::Time now);
// What is known of the places: a line for each, at most `max_sites`, and what kept it from knowing
// more; before that as SamplingWords.
std::vector<std::string> CallSiteLines(const v1::Order& order, int max_sites, absl::Time now);

}  // namespace tcpmedic::cli

#endif  // TCPMEDIC_CLI_RENDER_SAMPLING_WORDS_H_
