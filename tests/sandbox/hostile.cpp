// Why: replies that try to hurt their reader; everything that a client must survive and never call
// healthy.
#include "hosts.hpp"

#include <zlib.h>

namespace sandbox {

namespace {

// 256 MiB of zeros in about 256 KiB, made once, when first asked for.
const std::string& gzip_bomb() {
    static const std::string bomb = [] {
        std::string out;
        z_stream stream{};
        if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
            return out;
        }
        std::string zeros(1 << 20, '\0');
        std::string chunk(1 << 16, '\0');
        for (int round = 0; round <= 256; ++round) {
            const bool last = round == 256;
            stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
            stream.avail_in = last ? 0 : static_cast<uInt>(zeros.size());
            do {
                stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
                stream.avail_out = static_cast<uInt>(chunk.size());
                deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
                out.append(chunk.data(), chunk.size() - stream.avail_out);
            } while (stream.avail_out == 0);
        }
        deflateEnd(&stream);
        return out;
    }();
    return bomb;
}

Reply raw_json(std::string body) {
    return text_reply(200, std::move(body), "application/json");
}

Reply on_wire(Wire wire) {
    Reply reply = raw_json("{\"status\":\"ok\",\"padding\":\"" + std::string(2000, 'x') + "\"}");
    reply.wire = wire;
    return reply;
}

}  // namespace

std::optional<Reply> hostile_reply(const std::string& mode) {
    if (mode == "endless_body") {
        return on_wire(Wire::endless_body);
    }
    if (mode == "slow_header") {
        return on_wire(Wire::slow_header);
    }
    if (mode == "slow_body") {
        return on_wire(Wire::slow_body);
    }
    if (mode == "cut_header") {
        return on_wire(Wire::cut_header);
    }
    if (mode == "cut_body") {
        return on_wire(Wire::cut_body);
    }
    if (mode == "huge_header") {
        return on_wire(Wire::huge_header);
    }
    if (mode == "deep_json") {
        return raw_json("{\"status\":" + std::string(100'000, '[') + std::string(100'000, ']') +
                        "}");
    }
    if (mode == "bad_utf8") {
        return raw_json("{\"status\":\"ok\xff\xfe\",\"\xc3\x28\":1}");
    }
    if (mode == "html_200") {
        return html_reply(200, "<!doctype html><script>alert('{\"status\":\"ok\"}')</script>\n");
    }
    if (mode == "dup_keys") {
        return raw_json("{\"status\":\"ok\",\"status\":\"failed\",\"status\":\"ok\"}");
    }
    if (mode == "huge_number") {
        return raw_json("{\"status\":1e999999,\"n\":" + std::string(5000, '9') + "}");
    }
    if (mode == "gzip_bomb") {
        Reply reply = raw_json(gzip_bomb());
        reply.headers.emplace_back("Content-Encoding", "gzip");
        return reply;
    }
    return std::nullopt;
}

}  // namespace sandbox
