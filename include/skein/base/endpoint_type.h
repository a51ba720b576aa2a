// What clients are told to connect to: cluster-preferred-endpoint-type.
#pragma once

#include <cstdint>

namespace skein {

enum class EndpointType : std::uint8_t { kIp, kHostname, kUnknownEndpoint };

}  // namespace skein
