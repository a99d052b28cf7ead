import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs Flink's SQL statements within itself, and prints what a query gives: a line a change of its result, such as
 * {@code +I[acme, 2026-03-01, 7]}. A query over a topic goes on until somebody ends it.
 *
 * <p>java Statements FILE
 */
public final class Statements {
    public static void main(String[] arguments) throws Exception {
        TableEnvironment flink = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        // One slot is enough for little, and all that a small machine has.
        flink.getConfig().set("parallelism.default", "1");
        for (String statement : Files.readString(Path.of(arguments[0])).split(";\\s*\n")) {
            if (statement.isBlank()) {
                continue;
            }
            TableResult result = flink.executeSql(statement);
            if (!statement.strip().startsWith("SELECT")) {
                continue;
            }
            try (CloseableIterator<Row> rows = result.collect()) {
                while (rows.hasNext()) {
                    System.out.println(rows.next());
                }
            }
        }
    }
}
