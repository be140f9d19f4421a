package io.asyncpg.types;

import io.asyncpg.types.value.Box;
import io.asyncpg.types.value.Circle;
import io.asyncpg.types.value.Line;
import io.asyncpg.types.value.LineSegment;
import io.asyncpg.types.value.Path;
import io.asyncpg.types.value.Point;
import io.asyncpg.types.value.Polygon;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** Shapes on a plane: float8 coordinates one after another, and a count where there may be many. */
final class GeometricCodecs {
  private GeometricCodecs() {}

  static Conversions<Point> point() {
    return conversions(
        Point.class,
        GeometricCodecs::point,
        GeometricCodecs::write,
        GeometricCodecs::print,
        numbers -> numbers.point());
  }

  static Conversions<Line> line() {
    return conversions(
        Line.class,
        in -> new Line(in.readDouble(), in.readDouble(), in.readDouble()),
        (line, out) -> out.writeDouble(line.a()).writeDouble(line.b()).writeDouble(line.c()),
        line -> "{" + print(line.a()) + "," + print(line.b()) + "," + print(line.c()) + "}",
        numbers -> new Line(numbers.next(), numbers.next(), numbers.next()));
  }

  static Conversions<LineSegment> lineSegment() {
    return conversions(
        LineSegment.class,
        in -> new LineSegment(point(in), point(in)),
        (segment, out) -> {
          write(segment.start(), out);
          write(segment.end(), out);
        },
        segment -> "[" + print(segment.start()) + "," + print(segment.end()) + "]",
        numbers -> new LineSegment(numbers.point(), numbers.point()));
  }

  static Conversions<Box> box() {
    return conversions(
        Box.class,
        in -> new Box(point(in), point(in)),
        (box, out) -> {
          write(box.high(), out);
          write(box.low(), out);
        },
        box -> print(box.high()) + "," + print(box.low()),
        numbers -> new Box(numbers.point(), numbers.point()));
  }

  static Conversions<Path> path() {
    return conversions(
        Path.class,
        in -> {
          boolean closed = in.readByte() != 0;
          return new Path(points(in), closed);
        },
        (path, out) -> {
          out.writeByte(path.isClosed() ? 1 : 0);
          write(path.points(), out);
        },
        path ->
            (path.isClosed() ? "(" : "[") + print(path.points()) + (path.isClosed() ? ")" : "]"),
        numbers -> new Path(numbers.points(), numbers.text.startsWith("(")));
  }

  static Conversions<Polygon> polygon() {
    return conversions(
        Polygon.class,
        in -> new Polygon(points(in)),
        (polygon, out) -> write(polygon.points(), out),
        polygon -> "(" + print(polygon.points()) + ")",
        numbers -> new Polygon(numbers.points()));
  }

  static Conversions<Circle> circle() {
    return conversions(
        Circle.class,
        in -> new Circle(point(in), in.readDouble()),
        (circle, out) -> {
          write(circle.center(), out);
          out.writeDouble(circle.radius());
        },
        circle -> "<" + print(circle.center()) + "," + print(circle.radius()) + ">",
        numbers -> new Circle(numbers.point(), numbers.next()));
  }

  private static <T> Conversions<T> conversions(
      Class<T> javaType,
      Function<ValueReader, T> read,
      BiConsumer<T, ValueWriter> write,
      Function<T, String> print,
      Function<Numbers, T> parse) {
    return Conversions.of(
        new Shape<>(javaType, read, write), print, text -> new Numbers(text).all(parse));
  }

  private static Point point(ValueReader in) {
    return new Point(in.readDouble(), in.readDouble());
  }

  private static List<Point> points(ValueReader in) {
    int count = in.readCount(16);
    var points = new ArrayList<Point>(count);
    for (int i = 0; i < count; i++) {
      points.add(point(in));
    }
    return points;
  }

  private static void write(Point point, ValueWriter out) {
    out.writeDouble(point.x()).writeDouble(point.y());
  }

  private static void write(List<Point> points, ValueWriter out) {
    out.writeInt(points.size());
    points.forEach(point -> write(point, out));
  }

  private static String print(double number) {
    return NumberCodecs.print(number);
  }

  private static String print(Point point) {
    return "(" + print(point.x()) + "," + print(point.y()) + ")";
  }

  private static String print(List<Point> points) {
    return String.join(",", points.stream().map(GeometricCodecs::print).toList());
  }

  private record Shape<T>(
      Class<T> javaType, Function<ValueReader, T> read, BiConsumer<T, ValueWriter> write)
      implements Codec<T> {
    @Override
    public void encode(T value, PgType type, ValueWriter out) {
      write.accept(value, out);
    }

    @Override
    public T decode(PgType type, ValueReader in) {
      return read.apply(in);
    }
  }

  /** The numbers in a shape's text: the brackets say nothing that their order does not. */
  private static final class Numbers {
    final String text;
    private final StringTokenizer tokens;

    Numbers(String text) {
      this.text = text;
      tokens = new StringTokenizer(text, "()[]{}<>,");
    }

    <T> T all(Function<Numbers, T> shape) {
      T whole = shape.apply(this);
      if (tokens.hasMoreTokens()) {
        throw new IllegalArgumentException("more numbers than the shape has");
      }
      return whole;
    }

    double next() {
      if (!tokens.hasMoreTokens()) {
        throw new IllegalArgumentException("fewer numbers than the shape has");
      }
      return NumberCodecs.parseDouble(tokens.nextToken());
    }

    Point point() {
      return new Point(next(), next());
    }

    List<Point> points() {
      var points = new ArrayList<Point>();
      while (tokens.hasMoreTokens()) {
        points.add(point());
      }
      return points;
    }
  }
}
