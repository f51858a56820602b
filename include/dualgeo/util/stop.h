// Ctrl-C (SIGINT) and SIGTERM: long work asks between steps whether it should stop, leaves its files in order, and
// ends.
#pragma once

namespace dualgeo {

// The first signal sets a flag; a second one ends the process at once.
void InstallStopHandler();
bool StopRequested();
// Throws Interrupted("interrupted") once a stop was requested.
void ThrowIfStopped();

}  // namespace dualgeo
