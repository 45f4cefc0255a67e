import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.json.JsonConverterConfig;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.storage.FileOffsetBackingStore;

/**
 * Says what Kafka Connect's own worker finds in a standalone offset file, and writes one with its code.
 *
 * <pre>
 * java -cp "$FERROCONNECT_KAFKA_LIBS/*" OffsetFileJudge.java read FILE          prints key TAB value lines, sorted
 * java -cp "$FERROCONNECT_KAFKA_LIBS/*" OffsetFileJudge.java write FILE LINES   adds the lines of LINES to FILE
 * java -cp "$FERROCONNECT_KAFKA_LIBS/*" OffsetFileJudge.java partitions FILE X  prints the partitions of connector X
 * </pre>
 *
 * Lines hold UTF-8 text; a value of {@code null} is a null.
 */
public final class OffsetFileJudge extends FileOffsetBackingStore {

    /** Standard output in UTF-8, whatever the locale. */
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private OffsetFileJudge(JsonConverter keys) {
        super(keys);
    }

    public static void main(String[] args) throws Exception {
        OffsetFileJudge store = open(args[1]);
        try {
            switch (args[0]) {
                case "read" -> store.print();
                case "write" -> store.write(Path.of(args[2]));
                case "partitions" -> store.connectorPartitions(args[2]).stream()
                        .map(Object::toString).sorted().forEach(OUT::println);
                default -> throw new IllegalArgumentException("read, write or partitions expected, not " + args[0]);
            }
        } finally {
            store.stop();
        }
    }

    private static OffsetFileJudge open(String file) {
        JsonConverter keys = new JsonConverter();
        keys.configure(Map.of(JsonConverterConfig.SCHEMAS_ENABLE_CONFIG, "false"), true);
        OffsetFileJudge store = new OffsetFileJudge(keys);
        store.configure(new StandaloneConfig(Map.of(
                StandaloneConfig.OFFSET_STORAGE_FILE_FILENAME_CONFIG, file,
                StandaloneConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:9092",
                StandaloneConfig.PLUGIN_PATH_CONFIG, "/nonexistent",
                StandaloneConfig.KEY_CONVERTER_CLASS_CONFIG, JsonConverter.class.getName(),
                StandaloneConfig.VALUE_CONVERTER_CLASS_CONFIG, JsonConverter.class.getName())));
        store.start();
        return store;
    }

    private void print() {
        Map<String, String> sorted = new TreeMap<>();
        data.forEach((key, value) -> sorted.put(text(key), text(value)));
        sorted.forEach((key, value) -> OUT.println(key + "\t" + value));
    }

    private void write(Path lines) throws Exception {
        Map<ByteBuffer, ByteBuffer> batch = new HashMap<>();
        for (String line : Files.readAllLines(lines, StandardCharsets.UTF_8)) {
            String[] entry = line.split("\t", 2);
            batch.put(bytes(entry[0]), entry[1].equals("null") ? null : bytes(entry[1]));
        }
        set(batch, null).get();
    }

    private static String text(ByteBuffer bytes) {
        return bytes == null ? "null" : new String(bytes.array(), StandardCharsets.UTF_8);
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
