// Why: what a plan says of itself for the guards, spelled in one place for levers and engine.
#pragma once

namespace leverd {

// Where the version comes from that the plan moves an image to.
inline constexpr const char* target_from_param = "target_from";
// The freeze receipt has a line for each image that is moved, and this is it.
inline constexpr const char* from_receipt_word = "receipt";
inline constexpr const char* from_elsewhere_word = "elsewhere";

// The intent whose loss the plan makes good.
inline constexpr const char* recreates_param = "recreates";

}  // namespace leverd
