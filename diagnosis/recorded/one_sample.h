// What judging and writing down have in common where there is one sample, whatever the subject.
// Pure.
#ifndef TCPMEDIC_DIAGNOSIS_RECORDED_ONE_SAMPLE_H_
#define TCPMEDIC_DIAGNOSIS_RECORDED_ONE_SAMPLE_H_

#include <string>
#include <vector>

#include "core/expr/expression.h"
#include "diagnosis/activity.h"
#include "diagnosis/compiled_signature.h"
#include "diagnosis/recorded/gathered.h"
#include "observe/recorded/recording.h"
#include "tcpmedic/v1/finding.pb.h"

namespace tcpmedic {

// The signature as it is told from one sample.
const CompiledSignature& ForOneSample(const CompiledSignature& signature);

// Nothing is waited for: a conjunct that is not known true is not true.
Judgement JudgeOneSample(const CompiledSignature& signature, const expr::Activation& activation);

// All that comes from the signature and the group's key (BeginFinding), without times and without
// the network namespace: a paste knows neither.
v1::Finding BeginRecordedFinding(const CompiledSignature& signature,
                                 const std::vector<std::string>& values);

// Lists the look-alikes that the judgement left open; then the confidence follows.
void AddNotShown(const CompiledSignature& signature, const Judgement& judgement,
                 const expr::Schema& schema, const expr::Activation& activation,
                 v1::Finding* finding);

// Adds the evidence with where it was read from, at most three places: "…, incident.txt:9,
// incident.txt:10". Adds none whose value is not known: no line has shown that, and what a
// look-alike lacks is listed as not shown.
void AddEvidence(v1::Evidence evidence, const std::vector<Place>& places, v1::Finding* finding);

// What a number was counted by: "`ss -tan state syn-recv | wc -l`".
std::string SourceOf(const RecordedCount& count, const Gathered& gathered);

// Whether the signature's condition, look-alikes or verdict read the attribute.
bool Reads(const CompiledSignature& signature, const expr::Schema& schema, absl::string_view name);

}  // namespace tcpmedic

#endif  // TCPMEDIC_DIAGNOSIS_RECORDED_ONE_SAMPLE_H_
