# Why: one target carries what every translation unit of leverd is built with; warnings are errors only where CI says so.
add_library(leverd_options INTERFACE)
target_compile_options(leverd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports these inside Asio's coroutine frames and nlohmann, where there is nothing to mend.
    target_compile_options(leverd_options INTERFACE -Wno-maybe-uninitialized -Wno-dangling-pointer)
endif()
if(LEVERD_WERROR)
    target_compile_options(leverd_options INTERFACE -Werror)
endif()
if(LEVERD_SANITIZE)
    # Line tables are all that a report needs; full debug information doubles the build.
    target_compile_options(leverd_options INTERFACE -fsanitize=${LEVERD_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all -gline-tables-only)
    target_link_options(leverd_options INTERFACE -fsanitize=${LEVERD_SANITIZE})
endif()
# What Debian asks of its packages, checked on the binary by tests/integration/hardening.sh. A
# sanitizer sees more of the same and has its own idea of the stack.
if(NOT LEVERD_SANITIZE)
    target_compile_options(leverd_options INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(leverd_options INTERFACE -fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
        target_compile_options(leverd_options INTERFACE -mbranch-protection=standard)
    endif()
    target_compile_definitions(leverd_options INTERFACE _GLIBCXX_ASSERTIONS)
    # Without optimisation the checked calls do not exist.
    target_compile_options(leverd_options INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    target_link_options(leverd_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # A back trace with lines is what a release needs of debug information.
    target_compile_options(leverd_options INTERFACE $<$<CONFIG:RelWithDebInfo>:-gline-tables-only>)
    target_link_options(leverd_options INTERFACE -fuse-ld=lld)
endif()
target_include_directories(leverd_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(leverd_options INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
    SPDLOG_FMT_EXTERNAL)

# A compiler that only checks: nothing is generated, so nothing can be linked.
option(LEVERD_SYNTAX_ONLY "Check the sources without generating code" OFF)
add_custom_target(leverd_objects)

# The outside headers are parsed once. Not for the second compiler, which thereby finds what a file
# forgot to include.
set(LEVERD_PRECOMPILE ON)
if(LEVERD_SYNTAX_ONLY OR CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(LEVERD_PRECOMPILE OFF)
endif()

# leverd_precompiled(NAME HEADER LINK targets...): what a folder names in LEVERD_PRECOMPILED.
function(leverd_precompiled name header)
    cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
    if(LEVERD_PRECOMPILE)
        set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
        file(CONFIGURE OUTPUT ${source} CONTENT "")
        add_library(${name} OBJECT ${source})
        target_link_libraries(${name} PRIVATE leverd_options ${ARG_LINK})
        target_precompile_headers(${name} PRIVATE ${header})
    endif()
endfunction()
function(leverd_use_precompiled target)
    if(LEVERD_PRECOMPILE)
        target_precompile_headers(${target} REUSE_FROM ${LEVERD_PRECOMPILED})
    endif()
endfunction()

# leverd_library(NAME sources... LINK targets...): a static library that any layer above may link.
function(leverd_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    if(LEVERD_SYNTAX_ONLY)
        add_library(${name} OBJECT ${ARG_SOURCES})
        target_compile_options(${name} PRIVATE -fsyntax-only)
    else()
        add_library(${name} STATIC ${ARG_SOURCES})
    endif()
    target_link_libraries(${name} PUBLIC leverd_options ${ARG_LINK})
    leverd_use_precompiled(${name})
    add_dependencies(leverd_objects ${name})
endfunction()
