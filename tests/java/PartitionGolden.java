import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/**
 * Prints where Kafka's Java producer puts keys, one line each: key in hex, number of partitions,
 * partition. Made with:
 *
 * <pre>java -cp "LIBS/*" tests/java/PartitionGolden.java > host/src/kafka/java-partitions.tsv</pre>
 */
class PartitionGolden {
    public static void main(String[] args) {
        List<byte[]> keys = new ArrayList<>();
        for (String text : new String[] {"", "a", "ab", "abc", "abcd", "key-1", "Grüße", "客户"}) {
            keys.add(text.getBytes(StandardCharsets.UTF_8));
        }
        // All lengths around the four-byte blocks of the hash, and bytes of both signs.
        Random random = new Random(42);
        for (int length = 1; length <= 64; length++) {
            byte[] key = new byte[length];
            random.nextBytes(key);
            keys.add(key);
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (byte[] key : keys) {
            for (int partitions : new int[] {1, 2, 3, 12, 100, 1001}) {
                int partition = BuiltInPartitioner.partitionForKey(key, partitions);
                out.printf("%s\t%d\t%d%n", HexFormat.of().formatHex(key), partitions, partition);
            }
        }
        out.flush();
    }
}
