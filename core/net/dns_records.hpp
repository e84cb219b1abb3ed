// Why: records of one type, from the packet of a name server to texts that can be compared. Private
// to core/net.
#pragma once

#include "core/net/dialer.hpp"

#include <string>
#include <vector>

namespace leverd::net {

int wire_type(RecordType type);

// The records in a whole answer; a packet that is none gives the status of the library. An answer
// with other records only is ARES_ENODATA.
int parse_records(RecordType type, const unsigned char* packet, int bytes,
                  std::vector<std::string>& texts);

}  // namespace leverd::net
