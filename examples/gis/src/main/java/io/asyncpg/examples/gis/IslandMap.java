package io.asyncpg.examples.gis;

import io.asyncpg.examples.gis.Archipelago.Island;
import io.asyncpg.examples.gis.Archipelago.Place;
import io.asyncpg.examples.gis.Canvas.Anchor;
import io.asyncpg.examples.gis.Canvas.Letters;
import java.awt.Color;
import java.awt.Shape;
import java.awt.geom.Area;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.LineString;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.operation.union.UnaryUnionOp;
import org.locationtech.jts.simplify.DouglasPeuckerSimplifier;

/** The map: what is on it, in which order, where and in which colour. */
final class IslandMap {
  static final int WIDTH = 1600;
  static final int HEIGHT = 920;

  private static final double EAST = 4;
  private static final double NORTH = 2.6;
  private static final double PIXELS_A_DEGREE = 150;
  private static final double KILOMETRES_A_DEGREE = 111.32;
  private static final double LEFT = 40;
  private static final double TOP = 92;
  private static final double PANEL = LEFT + 2 * EAST * PIXELS_A_DEGREE + 34;

  private static final Rectangle2D FRAME =
      new Rectangle2D.Double(LEFT, TOP, 2 * EAST * PIXELS_A_DEGREE, 2 * NORTH * PIXELS_A_DEGREE);

  private static final Color PAPER = new Color(0xfffef6);
  private static final Color INK = new Color(0x2f3640);
  private static final Color FAINT = new Color(0x7b8794);
  private static final Color SEA = new Color(0xc5dee6);
  private static final Color SHALLOWS = new Color(255, 255, 255, 70);
  private static final Color GRATICULE = new Color(0x5f, 0x8a, 0xa3, 70);
  private static final Color COAST = new Color(0x4c5a58);
  private static final Color BORDER = new Color(255, 255, 255, 190);
  private static final Color DOT = new Color(0x8a7a66);
  private static final Color STORM = new Color(0x5b, 0x3f, 0x9c, 60);
  private static final Color STORM_BORDER = new Color(0x5b, 0x3f, 0x9c, 150);
  private static final Color STORM_LINE = new Color(0x5b3f9c);
  private static final Color CALL = new Color(0xc8321e);
  private static final Color HALO = new Color(255, 255, 255, 215);

  /** People a square kilometre, from which each colour begins. */
  private static final int[] CLASSES = {0, 20, 40, 70, 120, 250};

  private static final Color[] COLORS = {
    new Color(0xf6f1dc), new Color(0xecdfb2), new Color(0xe0c886),
    new Color(0xd0a85d), new Color(0xb9803f), new Color(0x96572b)
  };

  private final Answers answers;
  private final Canvas canvas;

  /** What the database said, all that is drawn. */
  record Answers(
      Archipelago land,
      List<Gis.Density> densities,
      Point call,
      List<Gis.Near> nearest,
      LineString track,
      Polygon storm,
      List<Gis.Hit> hits) {}

  private IslandMap(Answers answers, Canvas canvas) {
    this.answers = answers;
    this.canvas = canvas;
  }

  static <C extends Canvas> C draw(Answers answers, C canvas) {
    var map = new IslandMap(answers, canvas);
    map.sea();
    map.districts();
    map.places();
    map.storm();
    map.call();
    map.names();
    map.frame();
    map.legend();
    return canvas;
  }

  private void sea() {
    canvas.shape(new Rectangle2D.Double(0, 0, WIDTH, HEIGHT), PAPER, null, 0);
    canvas.shape(FRAME, SEA, null, 0);
    Geometry land =
        UnaryUnionOp.union(answers.land().islands().stream().map(Island::geom).toList());
    for (double reach : new double[] {0.2, 0.13, 0.07}) {
      canvas.shape(path(land.buffer(reach)), SHALLOWS, null, 0);
    }
    for (int degree = -3; degree <= 3; degree++) {
      canvas.shape(line(degree, -NORTH, degree, NORTH), null, GRATICULE, degree == 0 ? 1.4 : 0.8);
    }
    for (int degree = -2; degree <= 2; degree++) {
      canvas.shape(line(-EAST, degree, EAST, degree), null, GRATICULE, degree == 0 ? 1.4 : 0.8);
    }
  }

  private void districts() {
    for (Gis.Density district : answers.densities()) {
      int color = 0;
      while (color + 1 < CLASSES.length && district.density() >= CLASSES[color + 1]) {
        color++;
      }
      canvas.shape(path(district.geom()), COLORS[color], BORDER, 0.8);
    }
    for (Island island : answers.land().islands()) {
      canvas.shape(path(island.geom()), null, COAST, 1.1);
    }
  }

  private void places() {
    var dots = new Path2D.Double();
    for (Place place : answers.land().places()) {
      // On whole pixels: that makes small files.
      double x = Math.rint(x(place.geom().getX()));
      double y = Math.rint(y(place.geom().getY()));
      dots.moveTo(x, y);
      dots.lineTo(x, y);
    }
    canvas.shape(dots, null, DOT, 1.3);
    for (Place city : cities()) {
      canvas.shape(disc(city.geom(), radius(city)), Color.WHITE, INK, 1.4);
    }
  }

  private List<Place> cities() {
    return answers.land().places().stream()
        .filter(place -> place.population() > 10_000)
        .sorted(Comparator.comparingInt(Place::population).reversed())
        .toList();
  }

  private static double radius(Place city) {
    return city.population() > 100_000 ? 6 : city.population() > 30_000 ? 4.4 : 3;
  }

  private void storm() {
    canvas.shape(path(answers.storm()), STORM, null, 0);
    for (Gis.Hit hit : answers.hits()) {
      canvas.shape(path(hit.geom()), null, STORM_BORDER, 1.2);
    }
    canvas.shape(path(answers.storm()), null, STORM_LINE, 1.4, 2, 4);
    canvas.shape(path(answers.track()), null, STORM_LINE, 2.2, 9, 6);
    Coordinate end = answers.track().getCoordinateN(answers.track().getNumPoints() - 1);
    Coordinate before = answers.track().getCoordinateN(answers.track().getNumPoints() - 2);
    double angle = Math.atan2(y(end.y) - y(before.y), x(end.x) - x(before.x));
    var head = new Path2D.Double();
    head.moveTo(x(end.x) + 12 * Math.cos(angle), y(end.y) + 12 * Math.sin(angle));
    head.lineTo(x(end.x) + 8 * Math.cos(angle + 2), y(end.y) + 8 * Math.sin(angle + 2));
    head.lineTo(x(end.x) + 8 * Math.cos(angle - 2), y(end.y) + 8 * Math.sin(angle - 2));
    head.closePath();
    canvas.shape(head, STORM_LINE, null, 0);
  }

  private void call() {
    double x = x(answers.call().getX());
    double y = y(answers.call().getY());
    for (Gis.Near near : answers.nearest()) {
      canvas.shape(
          new Line2D.Double(x, y, x(near.geom().getX()), y(near.geom().getY())), null, CALL, 1.3);
      canvas.shape(disc(near.geom(), 3), CALL, Color.WHITE, 0.8);
    }
    canvas.shape(disc(answers.call(), 9), Color.WHITE, CALL, 2.4);
    canvas.shape(disc(answers.call(), 3.5), CALL, null, 0);
  }

  /** Large cities first, then islands; what would lie on another is left out. */
  private void names() {
    List<Rectangle2D> taken = new ArrayList<>();
    taken.add(box(x(answers.call().getX()), y(answers.call().getY()), 120, 60));
    List<Place> cities = cities();
    for (Place city : cities) {
      double reach = 3 * radius(city);
      taken.add(box(x(city.geom().getX()), y(city.geom().getY()), reach, reach));
    }
    int large = 0;
    while (large < cities.size() && cities.get(large).population() > 100_000) {
      name(cities.get(large++), Letters.of(16).bolder(), taken);
    }
    answers.land().islands().forEach(island -> name(island, taken));
    cities.subList(large, cities.size()).forEach(city -> name(city, Letters.of(14), taken));
  }

  /** On a large island near its middle, under a small one. */
  private void name(Island island, List<Rectangle2D> taken) {
    int size = island.id() <= 2 ? 25 : island.id() <= 4 ? 20 : 16;
    Coordinate at = island.geom().getCentroid().getCoordinate();
    double[] heights = {0, 30, -30, 45, -45, 60, -60, 75, -75, 90, -90};
    double from = y(at.y);
    if (island.id() > 4) {
      from = y(island.geom().getEnvelopeInternal().getMinY()) + 17;
      heights = new double[] {0, 8};
    }
    for (double height : heights) {
      Rectangle2D box = box(x(at.x), from + height, width(island.name(), size), size);
      if (taken.stream().noneMatch(box::intersects)) {
        taken.add(box);
        Letters letters = Letters.of(size).slanted().at(Anchor.MIDDLE);
        canvas.text(
            x(at.x), from + height + size / 3.0, island.name(), letters, new Color(0x35505e), HALO);
        return;
      }
    }
  }

  /** To the right of its mark, or to the left. */
  private void name(Place city, Letters letters, List<Rectangle2D> taken) {
    double x = x(city.geom().getX());
    double y = y(city.geom().getY());
    double width = width(city.name(), letters.size());
    double off = width / 2 + 2 * radius(city) + 2;
    for (double middle : new double[] {x + off, x - off}) {
      Rectangle2D box = box(middle, y, width, letters.size());
      if (FRAME.contains(box) && taken.stream().noneMatch(box::intersects)) {
        taken.add(box);
        canvas.text(
            middle, y + letters.size() / 3.0, city.name(), letters.at(Anchor.MIDDLE), INK, HALO);
        return;
      }
    }
  }

  private static double width(String text, int size) {
    return text.length() * size * 0.62;
  }

  private static Rectangle2D box(double x, double y, double width, double height) {
    return new Rectangle2D.Double(x - width / 2, y - height / 2, width, height);
  }

  private void frame() {
    // What reaches beyond the map is covered by the paper.
    var margin = new Area(new Rectangle2D.Double(0, 0, WIDTH, HEIGHT));
    margin.subtract(new Area(FRAME));
    canvas.shape(margin, PAPER, null, 0);
    canvas.shape(FRAME, null, INK, 1.6);
    for (int degree = -3; degree <= 3; degree++) {
      canvas.text(
          x(degree),
          TOP + FRAME.getHeight() + 18,
          degrees(degree, "E", "W"),
          Letters.of(13).at(Anchor.MIDDLE),
          FAINT,
          null);
    }
    for (int degree = -2; degree <= 2; degree++) {
      canvas.text(
          LEFT - 6,
          y(degree) + 4,
          degrees(degree, "N", "S"),
          Letters.of(13).at(Anchor.END),
          FAINT,
          null);
    }
    canvas.text(LEFT, 52, "The Null Islands", Letters.of(40).bolder(), INK, null);
    canvas.text(
        LEFT + 410,
        50,
        String.format(
            Locale.ROOT,
            "%,d geometries, loaded into PostGIS by binary COPY, asked and drawn",
            answers.land().size()),
        Letters.of(18).slanted(),
        FAINT,
        null);
    scale();
  }

  private static String degrees(int degree, String positive, String negative) {
    return Math.abs(degree)
        + "°"
        + (degree == 0 ? "" : degree > 0 ? " " + positive : " " + negative);
  }

  private void scale() {
    double each = 50 / KILOMETRES_A_DEGREE * PIXELS_A_DEGREE;
    double x = LEFT + FRAME.getWidth() - 48 - 4 * each;
    double y = TOP + FRAME.getHeight() - 30;
    for (int i = 0; i < 4; i++) {
      canvas.shape(
          new Rectangle2D.Double(x + i * each, y, each, 7), i % 2 == 0 ? INK : Color.WHITE, INK, 1);
    }
    for (int i = 0; i <= 4; i += 2) {
      String kilometres = i * 50 + (i == 4 ? " km" : "");
      canvas.text(x + i * each, y - 7, kilometres, Letters.of(13).at(Anchor.MIDDLE), INK, HALO);
    }
  }

  private void legend() {
    double y = TOP + 16;
    canvas.text(PANEL, y, "People a square kilometre", Letters.of(18).bolder(), INK, null);
    for (int i = 0; i < CLASSES.length; i++) {
      y += 26;
      canvas.shape(new Rectangle2D.Double(PANEL, y - 15, 34, 19), COLORS[i], FAINT, 0.8);
      String range =
          i + 1 < CLASSES.length ? CLASSES[i] + " to " + CLASSES[i + 1] : CLASSES[i] + " and more";
      canvas.text(PANEL + 46, y, range, Letters.of(15), INK, null);
    }
    y += 44;
    canvas.text(PANEL, y, "Places", Letters.of(18).bolder(), INK, null);
    String[] sizes = {"above 100,000 people", "above 30,000", "above 10,000"};
    double[] radii = {6, 4.4, 3};
    for (int i = 0; i < sizes.length; i++) {
      y += 25;
      canvas.shape(disc(PANEL + 17, y - 5, radii[i]), Color.WHITE, INK, 1.4);
      canvas.text(PANEL + 46, y, sizes[i], Letters.of(15), INK, null);
    }
    y += 25;
    canvas.shape(disc(PANEL + 17, y - 5, 1), DOT, null, 0);
    canvas.text(PANEL + 46, y, "hamlet", Letters.of(15), INK, null);
    y = storm(y + 44);
    nearest(y + 44);
    canvas.text(
        PANEL,
        TOP + FRAME.getHeight(),
        "WGS 84. Invented land; asyncpg for Java",
        Letters.of(13).slanted(),
        FAINT,
        null);
  }

  private double storm(double top) {
    double y = top;
    canvas.text(PANEL, y, "The storm", Letters.of(18).bolder(), INK, null);
    y += 26;
    canvas.shape(new Rectangle2D.Double(PANEL, y - 15, 34, 19), STORM, STORM_LINE, 1.4, 2, 4);
    canvas.shape(new Line2D.Double(PANEL, y - 5, PANEL + 34, y - 5), null, STORM_LINE, 2.2, 9, 6);
    double area = answers.hits().stream().mapToDouble(Gis.Hit::km2).sum();
    long people = answers.hits().stream().mapToLong(Gis.Hit::people).sum();
    canvas.text(
        PANEL + 46,
        y,
        String.format(Locale.ROOT, "crosses %d districts,", answers.hits().size()),
        Letters.of(15),
        INK,
        null);
    y += 21;
    canvas.text(
        PANEL + 46,
        y,
        String.format(Locale.ROOT, "%,.0f km² of land,", area),
        Letters.of(15),
        INK,
        null);
    y += 21;
    canvas.text(
        PANEL + 46, y, String.format(Locale.ROOT, "%,d people", people), Letters.of(15), INK, null);
    return y;
  }

  private void nearest(double top) {
    double y = top;
    canvas.text(PANEL, y, "Nearest to the call for help", Letters.of(18).bolder(), INK, null);
    canvas.shape(disc(PANEL + 17, y + 21, 8), Color.WHITE, CALL, 2.4);
    canvas.shape(disc(PANEL + 17, y + 21, 3), CALL, null, 0);
    for (Gis.Near near : answers.nearest()) {
      y += 24;
      canvas.text(PANEL + 46, y, near.name(), Letters.of(15), INK, null);
      canvas.text(
          PANEL + 245,
          y,
          String.format(Locale.ROOT, "%.1f km", near.km()),
          Letters.of(15).at(Anchor.END),
          INK,
          null);
    }
  }

  private static double x(double longitude) {
    return LEFT + (longitude + EAST) * PIXELS_A_DEGREE;
  }

  private static double y(double latitude) {
    return TOP + (NORTH - latitude) * PIXELS_A_DEGREE;
  }

  private static Shape line(double fromX, double fromY, double toX, double toY) {
    return new Line2D.Double(x(fromX), y(fromY), x(toX), y(toY));
  }

  private static Shape disc(Point at, double radius) {
    return disc(x(at.getX()), y(at.getY()), radius);
  }

  private static Shape disc(double x, double y, double radius) {
    return new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
  }

  /** A geometry on the page, without what is smaller than a pixel. */
  private static Shape path(Geometry geometry) {
    var path = new Path2D.Double(Path2D.WIND_EVEN_ODD);
    Geometry shown = DouglasPeuckerSimplifier.simplify(geometry, 0.8 / PIXELS_A_DEGREE);
    for (int i = 0; i < shown.getNumGeometries(); i++) {
      if (shown.getGeometryN(i) instanceof Polygon polygon) {
        trace(path, polygon.getExteriorRing());
        path.closePath();
        for (int hole = 0; hole < polygon.getNumInteriorRing(); hole++) {
          trace(path, polygon.getInteriorRingN(hole));
          path.closePath();
        }
      } else if (shown.getGeometryN(i) instanceof LineString line) {
        trace(path, line);
      }
    }
    return path;
  }

  private static void trace(Path2D path, LineString line) {
    Coordinate[] points = line.getCoordinates();
    for (int i = 0; i < points.length; i++) {
      if (i == 0) {
        path.moveTo(x(points[i].x), y(points[i].y));
      } else {
        path.lineTo(x(points[i].x), y(points[i].y));
      }
    }
  }
}
