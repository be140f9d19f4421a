package io.asyncpg.examples.gis;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.asyncpg.testkit.TestServer;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.locationtech.jts.geom.Geometry;
import org.w3c.dom.Document;

/** What PostGIS answers is held against what JTS says of the same data. */
class GisTest {
  @TempDir Path directory;

  @Test
  void theAnswersAreRightAndTheMapShowsThem() throws Exception {
    TestServer server = TestServer.postgis();
    String database = server.createDatabase();
    try {
      IslandMap.Answers answers = Gis.run(server.dsn(database), directory);
      theCountsAreRight(server, database, answers);
      theAnswersAreRight(answers);
      theGeoJsonHasEveryFeature();
      theSvgIsXmlWithTheNames(answers);
      thePngIsAPicture();
    } finally {
      server.dropDatabase(database);
    }
  }

  private static void theCountsAreRight(
      TestServer server, String database, IslandMap.Answers answers) {
    assertThat(answers.land().size()).isEqualTo(10_000);
    assertThat(
            server.rowsIn(
                database,
                "SELECT (SELECT count(*) FROM null_islands.island)"
                    + " + (SELECT count(*) FROM null_islands.district)"
                    + " + (SELECT count(*) FROM null_islands.place)"))
        .containsExactly(java.util.List.of("10000"));
    assertThat(
            server.rowsIn(
                database, "SELECT count(*) FROM null_islands.district WHERE NOT ST_IsValid(geom)"))
        .containsExactly(java.util.List.of("0"));
  }

  private static void theAnswersAreRight(IslandMap.Answers answers) {
    Geometry storm = answers.storm();
    assertThat(answers.hits())
        .hasSameSizeAs(
            answers.land().districts().stream()
                .filter(district -> district.geom().intersects(storm))
                .toList());
    assertThat(answers.hits().stream().mapToLong(Gis.Hit::people).sum())
        .isEqualTo(
            answers.land().places().stream()
                .filter(place -> place.geom().intersects(storm))
                .mapToLong(Archipelago.Place::population)
                .sum());
    assertThat(answers.nearest())
        .hasSize(10)
        .isSortedAccordingTo(Comparator.comparingDouble(Gis.Near::km));
    // So near the equator a degree is as long in every direction, to less than one in a hundred.
    double tenth = answers.nearest().get(9).km() / 111.32;
    assertThat(
            answers.land().places().stream()
                .filter(place -> place.geom().distance(answers.call()) < tenth * 0.99))
        .hasSizeLessThanOrEqualTo(10);
    assertThat(answers.nearest())
        .allMatch(near -> near.geom().getSRID() == Archipelago.SRID)
        .allMatch(near -> near.geom().distance(answers.call()) <= tenth * 1.01);
    assertThat(answers.densities()).hasSameSizeAs(answers.land().districts());
  }

  private void theGeoJsonHasEveryFeature() throws Exception {
    JsonNode json = new ObjectMapper().readTree(directory.resolve("null-islands.geojson").toFile());
    assertThat(json.get("type").textValue()).isEqualTo("FeatureCollection");
    assertThat(json.get("features")).hasSize(10_000);
    assertThat(json.at("/features/0/geometry/type").textValue()).isEqualTo("Polygon");
    assertThat(json.at("/features/9999/properties/kind").textValue()).isEqualTo("place");
  }

  private void theSvgIsXmlWithTheNames(IslandMap.Answers answers) throws Exception {
    Document svg =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(directory.resolve("null-islands.svg").toFile());
    assertThat(svg.getDocumentElement().getTextContent())
        .contains("The Null Islands", answers.land().islands().get(0).name())
        .contains(answers.nearest().stream().map(Gis.Near::name).toList());
    assertThat(svg.getElementsByTagName("path").getLength())
        .isGreaterThan(answers.land().districts().size());
  }

  private void thePngIsAPicture() throws Exception {
    Path file = directory.resolve("null-islands.png");
    BufferedImage image = ImageIO.read(file.toFile());
    assertThat(image.getWidth()).isEqualTo(IslandMap.WIDTH);
    assertThat(image.getHeight()).isEqualTo(IslandMap.HEIGHT);
    Set<Integer> colors = new HashSet<>();
    for (int x = 0; x < image.getWidth(); x += 3) {
      for (int y = 0; y < image.getHeight(); y += 3) {
        colors.add(image.getRGB(x, y));
      }
    }
    assertThat(colors).hasSizeGreaterThan(50);
    assertThat(Files.size(file)).isLessThan(300_000);
  }

  @Test
  void theSameSeedGivesTheSameIslands() {
    Archipelago once = Archipelago.of(1_000, 7);
    assertThat(Archipelago.of(1_000, 7)).isEqualTo(once);
    assertThat(Archipelago.of(1_000, 8)).isNotEqualTo(once);
    assertThat(once.size()).isEqualTo(1_000);
  }

  @Test
  void whoHasNoServerIsToldHowToGetOne() {
    assertThat(PostgisServer.HOW_TO_GET_ONE)
        .contains("apt-get install", "docker run", "-Dasyncpg.example.dsn=");
  }

  @Test
  void aServerThatIsNamedIsTheOneThatIsUsed() {
    String dsn = "postgresql://somebody:secret@nowhere/db";
    PostgisServer server = PostgisServer.find(dsn).orElseThrow();
    assertThat(server.dsn()).isEqualTo(dsn);
    assertThat(server.toString()).doesNotContain("secret");
    server.close();
  }
}
