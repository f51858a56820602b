// Standard output holds results: when it is full or closed, they are lost, and the run has failed.
#pragma once

namespace dualgeo {

// For the start of a program: a standard stream that its caller closed stays useless, but no file that is opened later
// gets its number, so that results do not end up in a table or a database.
void ReserveStandardStreams();

// For the end: throws Error with the reason when anything that was printed did not reach standard output.
void FlushStandardOutput();

}  // namespace dualgeo
