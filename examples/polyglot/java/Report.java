import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;

/** Prints the units from the longest to the shortest: Report FILE. */
public class Report {
    record Unit(String name, double metres) {}

    public static void main(String[] args) throws Exception {
        try (var lines = Files.lines(Path.of(args[0]))) {
            lines.map(line -> line.split(" "))
                .filter(words -> words.length == 2 && !words[0].equals("#"))
                .map(words -> new Unit(words[0], Double.parseDouble(words[1])))
                .sorted(Comparator.comparingDouble(Unit::metres).reversed())
                .forEach(unit -> System.out.printf("%-10s %10.4f m%n", unit.name(), unit.metres()));
        }
    }
}
