// Writes golden_frames.h: what Apache Kafka's own schemas make of messages that are filled by the rule in filler.h.
//
//   javac -cp kafka-clients-3.9.1.jar -d . GoldenFrames.java
//   java -cp kafka-clients-3.9.1.jar:slf4j-api.jar:. GoldenFrames > golden_frames.h
//
// A later release has dropped the oldest versions.

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.MemoryRecords;

public class GoldenFrames {
    // Key, and the versions that are served.
    static final int[][] APIS = {
        {0, 0, 9}, {1, 4, 17}, {2, 1, 8}, {3, 0, 12}, {8, 2, 9}, {9, 1, 9}, {10, 0, 4}, {11, 0, 9}, {12, 0, 4}, {13, 0, 5},
        {14, 0, 5}, {15, 0, 5}, {16, 0, 4}, {18, 0, 4}, {23, 2, 4}, {42, 0, 2}, {60, 0, 1}};
    // The others have no place in our structs.
    static final Set<String> TAGS = Set.of("cluster_id", "replica_state", "replica_directory_id", "current_leader");

    static int next;
    static boolean nulls;
    static boolean sawNullable;

    static Object fill(Type type) throws Exception {
        sawNullable |= type.isNullable() && !type.toString().endsWith("RECORDS");
        if (nulls && type.isNullable() && !type.toString().endsWith("RECORDS")) return null;
        if (type.arrayElementType().isPresent()) {
            Object[] list = new Object[2];
            for (int i = 0; i < list.length; ++i) list[i] = fill(type.arrayElementType().get());
            return list;
        }
        if (type instanceof Schema schema) return fillStruct(schema);
        int n = ++next;
        switch (type.toString()) {
            case "BOOLEAN": return n % 2 == 1;
            case "INT8": return (byte) (n & 0x7f);
            case "INT16": return (short) (n * 0x101 & 0x7fff);
            case "INT32": return n * 0x10001;
            case "INT64": return n * 0x100000001L;
            case "UUID": return new Uuid(n * 0x100000001L, n);
            case "RECORDS": case "COMPACT_RECORDS":
                return MemoryRecords.readableRecords(ByteBuffer.wrap(("r" + n).getBytes()));
            case "BYTES": case "COMPACT_BYTES": return ByteBuffer.wrap(("b" + n).getBytes());
            case "STRING": case "COMPACT_STRING": case "NULLABLE_STRING": case "COMPACT_NULLABLE_STRING": return "s" + n;
        }
        throw new IllegalArgumentException(type.toString());
    }

    @SuppressWarnings("unchecked")
    static Struct fillStruct(Schema schema) throws Exception {
        Struct out = new Struct(schema);
        for (BoundField field : schema.fields()) {
            if (!(field.def.type instanceof TaggedFields)) {
                out.set(field, fill(field.def.type));
                continue;
            }
            Field known = TaggedFields.class.getDeclaredField("fields");
            known.setAccessible(true);
            Map<Integer, Object> tagged = new TreeMap<>();
            var fields = (Map<Integer, org.apache.kafka.common.protocol.types.Field>) known.get(field.def.type);
            for (var each : new TreeMap<>(fields).entrySet()) {
                if (!TAGS.contains(each.getValue().name)) continue;
                Object value = fill(each.getValue().type);
                if (value != null) tagged.put(each.getKey(), value);
            }
            out.set(field, tagged);
        }
        return out;
    }

    static String hex(Schema schema) throws Exception {
        next = 0;
        Struct struct = fillStruct(schema);
        ByteBuffer bytes = ByteBuffer.allocate(struct.sizeOf());
        struct.writeTo(bytes);
        return HexFormat.of().formatHex(bytes.array());
    }

    static void print(String name, boolean request, int first, int last, Schema schema) throws Exception {
        String kind = String.format("    {\"%s\", %s, %d, %d, ", name, request, first, last);
        nulls = sawNullable = false;
        System.out.println(kind + "false, \"" + hex(schema) + "\"},");
        nulls = sawNullable;
        if (nulls) System.out.println(kind + "true, \"" + hex(schema) + "\"},");
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println("""
            // Made by GoldenFrames.java with kafka-clients 3.9.1: the fields of each message in each layout that it has had.
            #pragma once

            namespace sluice::kafka::golden {

            struct Frame {
              const char* api;
              bool request;
              int first, last;  // versions that have this layout
              bool nulls;       // null wherever that is allowed
              const char* hex;
            };

            // clang-format off
            inline constexpr Frame kFrames[] = {""");
        for (int[] api : APIS) {
            ApiKeys key = ApiKeys.forId(api[0]);
            for (boolean request : new boolean[] {true, false}) {
                Schema[] schemas = request ? key.messageType.requestSchemas() : key.messageType.responseSchemas();
                for (int first = api[1], last; first <= api[2]; first = last + 1) {
                    for (last = first; last < api[2] && schemas[last + 1] == schemas[first]; ) ++last;
                    print(key.name, request, first, last, schemas[first]);
                }
            }
        }
        System.out.println("""
            };
            // clang-format on

            }  // namespace sluice::kafka::golden""");
    }
}
