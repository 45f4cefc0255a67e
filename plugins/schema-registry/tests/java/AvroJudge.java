import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Avro's own Java classes, as judges of schemas and payloads. Input: pairs of lines, a schema and a payload in hexadecimal
 * digits. Output, for each pair: the schema as Java prints it, the payload as Java writes it again, the datum as text.
 */
public class AvroJudge {
  public static void main(String[] arguments) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String text;
    while ((text = input.readLine()) != null) {
      // The parser refuses wrong names and wrong defaults.
      Schema schema = new Schema.Parser().parse(text);
      byte[] payload = HexFormat.of().parseHex(input.readLine());
      BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(payload, null);
      Object datum = new GenericDatumReader<>(schema).read(null, decoder);
      if (!decoder.isEnd()) {
        throw new IllegalStateException("bytes are left behind the value");
      }
      ByteArrayOutputStream written = new ByteArrayOutputStream();
      var encoder = EncoderFactory.get().directBinaryEncoder(written, null);
      new GenericDatumWriter<>(schema).write(datum, encoder);
      encoder.flush();
      System.out.println(schema);
      System.out.println(HexFormat.of().formatHex(written.toByteArray()));
      System.out.println(datum);
    }
  }
}
