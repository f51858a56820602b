// Ctrl-C (SIGINT), SIGTERM and SIGHUP: long work asks between steps whether it should stop, leaves its files in order,
// and ends.
#pragma once

namespace dualgeo {

// The first signal sets a flag; a second one ends the process at once. SIGHUP counts unless it was ignored (nohup).
// Writes to a closed pipe and beyond the file size limit fail with an error instead of a signal.
void InstallStopHandler();
bool StopRequested();
// Throws Interrupted("interrupted") once a stop was requested.
void ThrowIfStopped();

}  // namespace dualgeo
