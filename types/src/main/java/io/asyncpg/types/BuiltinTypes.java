package io.asyncpg.types;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The types every PostgreSQL has, their OIDs fixed for good: its pg_type without the row types of
 * its own tables.
 */
public final class BuiltinTypes {
  private static final int TABLE_SIZE = 10000;
  private static final @Nullable PgType[] BY_OID = new @Nullable PgType[TABLE_SIZE];
  private static final Map<String, PgType> BY_NAME = new HashMap<>();
  private static final List<PgType> ALL = new ArrayList<>();

  /** What the SQL standard, or habit, calls types that pg_type has under another name. */
  private static final Map<String, String> STANDARD_NAMES =
      Map.ofEntries(
          Map.entry("bigint", "int8"),
          Map.entry("bit varying", "varbit"),
          Map.entry("boolean", "bool"),
          Map.entry("character", "bpchar"),
          Map.entry("character varying", "varchar"),
          Map.entry("dec", "numeric"),
          Map.entry("decimal", "numeric"),
          Map.entry("double precision", "float8"),
          Map.entry("int", "int4"),
          Map.entry("integer", "int4"),
          Map.entry("real", "float4"),
          Map.entry("smallint", "int2"),
          Map.entry("time with time zone", "timetz"),
          Map.entry("time without time zone", "time"),
          Map.entry("timestamp with time zone", "timestamptz"),
          Map.entry("timestamp without time zone", "timestamp"));

  // Generated from PostgreSQL 18 by BuiltinTypesGenerator, down to the end mark: do not edit.

  /** {@code bool}, OID 16. */
  public static final PgType.Base BOOL = base(16, "bool", ',');

  /** {@code bytea}, OID 17. */
  public static final PgType.Base BYTEA = base(17, "bytea", ',');

  /** {@code char}, OID 18. */
  public static final PgType.Base CHAR = base(18, "char", ',');

  /** {@code name}, OID 19. */
  public static final PgType.Base NAME = base(19, "name", ',');

  /** {@code int8}, OID 20. */
  public static final PgType.Base INT8 = base(20, "int8", ',');

  /** {@code int2}, OID 21. */
  public static final PgType.Base INT2 = base(21, "int2", ',');

  /** {@code int2vector}, OID 22. */
  public static final PgType.Array INT2VECTOR = array(22, "int2vector", INT2);

  /** {@code int4}, OID 23. */
  public static final PgType.Base INT4 = base(23, "int4", ',');

  /** {@code regproc}, OID 24. */
  public static final PgType.Base REGPROC = base(24, "regproc", ',');

  /** {@code text}, OID 25. */
  public static final PgType.Base TEXT = base(25, "text", ',');

  /** {@code oid}, OID 26. */
  public static final PgType.Base OID = base(26, "oid", ',');

  /** {@code tid}, OID 27. */
  public static final PgType.Base TID = base(27, "tid", ',');

  /** {@code xid}, OID 28. */
  public static final PgType.Base XID = base(28, "xid", ',');

  /** {@code cid}, OID 29. */
  public static final PgType.Base CID = base(29, "cid", ',');

  /** {@code oidvector}, OID 30. */
  public static final PgType.Array OIDVECTOR = array(30, "oidvector", OID);

  /** {@code pg_ddl_command}, OID 32. */
  public static final PgType.Pseudo PG_DDL_COMMAND = pseudo(32, "pg_ddl_command");

  /** {@code json}, OID 114. */
  public static final PgType.Base JSON = base(114, "json", ',');

  /** {@code xml}, OID 142. */
  public static final PgType.Base XML = base(142, "xml", ',');

  /** {@code xml[]}, OID 143. */
  public static final PgType.Array XML_ARRAY = array(143, "_xml", XML);

  /** {@code pg_node_tree}, OID 194. */
  public static final PgType.Base PG_NODE_TREE = base(194, "pg_node_tree", ',');

  /** {@code json[]}, OID 199. */
  public static final PgType.Array JSON_ARRAY = array(199, "_json", JSON);

  /** {@code table_am_handler}, OID 269. */
  public static final PgType.Pseudo TABLE_AM_HANDLER = pseudo(269, "table_am_handler");

  /** {@code xid8}, OID 5069. */
  public static final PgType.Base XID8 = base(5069, "xid8", ',');

  /** {@code xid8[]}, OID 271. */
  public static final PgType.Array XID8_ARRAY = array(271, "_xid8", XID8);

  /** {@code index_am_handler}, OID 325. */
  public static final PgType.Pseudo INDEX_AM_HANDLER = pseudo(325, "index_am_handler");

  /** {@code point}, OID 600. */
  public static final PgType.Base POINT = base(600, "point", ',');

  /** {@code lseg}, OID 601. */
  public static final PgType.Base LSEG = base(601, "lseg", ',');

  /** {@code path}, OID 602. */
  public static final PgType.Base PATH = base(602, "path", ',');

  /** {@code box}, OID 603. */
  public static final PgType.Base BOX = base(603, "box", ';');

  /** {@code polygon}, OID 604. */
  public static final PgType.Base POLYGON = base(604, "polygon", ',');

  /** {@code line}, OID 628. */
  public static final PgType.Base LINE = base(628, "line", ',');

  /** {@code line[]}, OID 629. */
  public static final PgType.Array LINE_ARRAY = array(629, "_line", LINE);

  /** {@code cidr}, OID 650. */
  public static final PgType.Base CIDR = base(650, "cidr", ',');

  /** {@code cidr[]}, OID 651. */
  public static final PgType.Array CIDR_ARRAY = array(651, "_cidr", CIDR);

  /** {@code float4}, OID 700. */
  public static final PgType.Base FLOAT4 = base(700, "float4", ',');

  /** {@code float8}, OID 701. */
  public static final PgType.Base FLOAT8 = base(701, "float8", ',');

  /** {@code unknown}, OID 705. */
  public static final PgType.Pseudo UNKNOWN = pseudo(705, "unknown");

  /** {@code circle}, OID 718. */
  public static final PgType.Base CIRCLE = base(718, "circle", ',');

  /** {@code circle[]}, OID 719. */
  public static final PgType.Array CIRCLE_ARRAY = array(719, "_circle", CIRCLE);

  /** {@code macaddr8}, OID 774. */
  public static final PgType.Base MACADDR8 = base(774, "macaddr8", ',');

  /** {@code macaddr8[]}, OID 775. */
  public static final PgType.Array MACADDR8_ARRAY = array(775, "_macaddr8", MACADDR8);

  /** {@code money}, OID 790. */
  public static final PgType.Base MONEY = base(790, "money", ',');

  /** {@code money[]}, OID 791. */
  public static final PgType.Array MONEY_ARRAY = array(791, "_money", MONEY);

  /** {@code macaddr}, OID 829. */
  public static final PgType.Base MACADDR = base(829, "macaddr", ',');

  /** {@code inet}, OID 869. */
  public static final PgType.Base INET = base(869, "inet", ',');

  /** {@code bool[]}, OID 1000. */
  public static final PgType.Array BOOL_ARRAY = array(1000, "_bool", BOOL);

  /** {@code bytea[]}, OID 1001. */
  public static final PgType.Array BYTEA_ARRAY = array(1001, "_bytea", BYTEA);

  /** {@code char[]}, OID 1002. */
  public static final PgType.Array CHAR_ARRAY = array(1002, "_char", CHAR);

  /** {@code name[]}, OID 1003. */
  public static final PgType.Array NAME_ARRAY = array(1003, "_name", NAME);

  /** {@code int2[]}, OID 1005. */
  public static final PgType.Array INT2_ARRAY = array(1005, "_int2", INT2);

  /** {@code int2vector[]}, OID 1006. */
  public static final PgType.Array INT2VECTOR_ARRAY = array(1006, "_int2vector", INT2VECTOR);

  /** {@code int4[]}, OID 1007. */
  public static final PgType.Array INT4_ARRAY = array(1007, "_int4", INT4);

  /** {@code regproc[]}, OID 1008. */
  public static final PgType.Array REGPROC_ARRAY = array(1008, "_regproc", REGPROC);

  /** {@code text[]}, OID 1009. */
  public static final PgType.Array TEXT_ARRAY = array(1009, "_text", TEXT);

  /** {@code tid[]}, OID 1010. */
  public static final PgType.Array TID_ARRAY = array(1010, "_tid", TID);

  /** {@code xid[]}, OID 1011. */
  public static final PgType.Array XID_ARRAY = array(1011, "_xid", XID);

  /** {@code cid[]}, OID 1012. */
  public static final PgType.Array CID_ARRAY = array(1012, "_cid", CID);

  /** {@code oidvector[]}, OID 1013. */
  public static final PgType.Array OIDVECTOR_ARRAY = array(1013, "_oidvector", OIDVECTOR);

  /** {@code bpchar}, OID 1042. */
  public static final PgType.Base BPCHAR = base(1042, "bpchar", ',');

  /** {@code bpchar[]}, OID 1014. */
  public static final PgType.Array BPCHAR_ARRAY = array(1014, "_bpchar", BPCHAR);

  /** {@code varchar}, OID 1043. */
  public static final PgType.Base VARCHAR = base(1043, "varchar", ',');

  /** {@code varchar[]}, OID 1015. */
  public static final PgType.Array VARCHAR_ARRAY = array(1015, "_varchar", VARCHAR);

  /** {@code int8[]}, OID 1016. */
  public static final PgType.Array INT8_ARRAY = array(1016, "_int8", INT8);

  /** {@code point[]}, OID 1017. */
  public static final PgType.Array POINT_ARRAY = array(1017, "_point", POINT);

  /** {@code lseg[]}, OID 1018. */
  public static final PgType.Array LSEG_ARRAY = array(1018, "_lseg", LSEG);

  /** {@code path[]}, OID 1019. */
  public static final PgType.Array PATH_ARRAY = array(1019, "_path", PATH);

  /** {@code box[]}, OID 1020. */
  public static final PgType.Array BOX_ARRAY = array(1020, "_box", BOX);

  /** {@code float4[]}, OID 1021. */
  public static final PgType.Array FLOAT4_ARRAY = array(1021, "_float4", FLOAT4);

  /** {@code float8[]}, OID 1022. */
  public static final PgType.Array FLOAT8_ARRAY = array(1022, "_float8", FLOAT8);

  /** {@code polygon[]}, OID 1027. */
  public static final PgType.Array POLYGON_ARRAY = array(1027, "_polygon", POLYGON);

  /** {@code oid[]}, OID 1028. */
  public static final PgType.Array OID_ARRAY = array(1028, "_oid", OID);

  /** {@code aclitem}, OID 1033. */
  public static final PgType.Base ACLITEM = base(1033, "aclitem", ',');

  /** {@code aclitem[]}, OID 1034. */
  public static final PgType.Array ACLITEM_ARRAY = array(1034, "_aclitem", ACLITEM);

  /** {@code macaddr[]}, OID 1040. */
  public static final PgType.Array MACADDR_ARRAY = array(1040, "_macaddr", MACADDR);

  /** {@code inet[]}, OID 1041. */
  public static final PgType.Array INET_ARRAY = array(1041, "_inet", INET);

  /** {@code date}, OID 1082. */
  public static final PgType.Base DATE = base(1082, "date", ',');

  /** {@code time}, OID 1083. */
  public static final PgType.Base TIME = base(1083, "time", ',');

  /** {@code timestamp}, OID 1114. */
  public static final PgType.Base TIMESTAMP = base(1114, "timestamp", ',');

  /** {@code timestamp[]}, OID 1115. */
  public static final PgType.Array TIMESTAMP_ARRAY = array(1115, "_timestamp", TIMESTAMP);

  /** {@code date[]}, OID 1182. */
  public static final PgType.Array DATE_ARRAY = array(1182, "_date", DATE);

  /** {@code time[]}, OID 1183. */
  public static final PgType.Array TIME_ARRAY = array(1183, "_time", TIME);

  /** {@code timestamptz}, OID 1184. */
  public static final PgType.Base TIMESTAMPTZ = base(1184, "timestamptz", ',');

  /** {@code timestamptz[]}, OID 1185. */
  public static final PgType.Array TIMESTAMPTZ_ARRAY = array(1185, "_timestamptz", TIMESTAMPTZ);

  /** {@code interval}, OID 1186. */
  public static final PgType.Base INTERVAL = base(1186, "interval", ',');

  /** {@code interval[]}, OID 1187. */
  public static final PgType.Array INTERVAL_ARRAY = array(1187, "_interval", INTERVAL);

  /** {@code numeric}, OID 1700. */
  public static final PgType.Base NUMERIC = base(1700, "numeric", ',');

  /** {@code numeric[]}, OID 1231. */
  public static final PgType.Array NUMERIC_ARRAY = array(1231, "_numeric", NUMERIC);

  /** {@code cstring}, OID 2275. */
  public static final PgType.Pseudo CSTRING = pseudo(2275, "cstring");

  /** {@code cstring[]}, OID 1263. */
  public static final PgType.Array CSTRING_ARRAY = array(1263, "_cstring", CSTRING);

  /** {@code timetz}, OID 1266. */
  public static final PgType.Base TIMETZ = base(1266, "timetz", ',');

  /** {@code timetz[]}, OID 1270. */
  public static final PgType.Array TIMETZ_ARRAY = array(1270, "_timetz", TIMETZ);

  /** {@code bit}, OID 1560. */
  public static final PgType.Base BIT = base(1560, "bit", ',');

  /** {@code bit[]}, OID 1561. */
  public static final PgType.Array BIT_ARRAY = array(1561, "_bit", BIT);

  /** {@code varbit}, OID 1562. */
  public static final PgType.Base VARBIT = base(1562, "varbit", ',');

  /** {@code varbit[]}, OID 1563. */
  public static final PgType.Array VARBIT_ARRAY = array(1563, "_varbit", VARBIT);

  /** {@code refcursor}, OID 1790. */
  public static final PgType.Base REFCURSOR = base(1790, "refcursor", ',');

  /** {@code refcursor[]}, OID 2201. */
  public static final PgType.Array REFCURSOR_ARRAY = array(2201, "_refcursor", REFCURSOR);

  /** {@code regprocedure}, OID 2202. */
  public static final PgType.Base REGPROCEDURE = base(2202, "regprocedure", ',');

  /** {@code regoper}, OID 2203. */
  public static final PgType.Base REGOPER = base(2203, "regoper", ',');

  /** {@code regoperator}, OID 2204. */
  public static final PgType.Base REGOPERATOR = base(2204, "regoperator", ',');

  /** {@code regclass}, OID 2205. */
  public static final PgType.Base REGCLASS = base(2205, "regclass", ',');

  /** {@code regtype}, OID 2206. */
  public static final PgType.Base REGTYPE = base(2206, "regtype", ',');

  /** {@code regprocedure[]}, OID 2207. */
  public static final PgType.Array REGPROCEDURE_ARRAY = array(2207, "_regprocedure", REGPROCEDURE);

  /** {@code regoper[]}, OID 2208. */
  public static final PgType.Array REGOPER_ARRAY = array(2208, "_regoper", REGOPER);

  /** {@code regoperator[]}, OID 2209. */
  public static final PgType.Array REGOPERATOR_ARRAY = array(2209, "_regoperator", REGOPERATOR);

  /** {@code regclass[]}, OID 2210. */
  public static final PgType.Array REGCLASS_ARRAY = array(2210, "_regclass", REGCLASS);

  /** {@code regtype[]}, OID 2211. */
  public static final PgType.Array REGTYPE_ARRAY = array(2211, "_regtype", REGTYPE);

  /** {@code record}, OID 2249. */
  public static final PgType.Pseudo RECORD = pseudo(2249, "record");

  /** {@code any}, OID 2276. */
  public static final PgType.Pseudo ANY = pseudo(2276, "any");

  /** {@code anyarray}, OID 2277. */
  public static final PgType.Pseudo ANYARRAY = pseudo(2277, "anyarray");

  /** {@code void}, OID 2278. */
  public static final PgType.Pseudo VOID = pseudo(2278, "void");

  /** {@code trigger}, OID 2279. */
  public static final PgType.Pseudo TRIGGER = pseudo(2279, "trigger");

  /** {@code language_handler}, OID 2280. */
  public static final PgType.Pseudo LANGUAGE_HANDLER = pseudo(2280, "language_handler");

  /** {@code internal}, OID 2281. */
  public static final PgType.Pseudo INTERNAL = pseudo(2281, "internal");

  /** {@code anyelement}, OID 2283. */
  public static final PgType.Pseudo ANYELEMENT = pseudo(2283, "anyelement");

  /** {@code record[]}, OID 2287. */
  public static final PgType.Array RECORD_ARRAY = array(2287, "_record", RECORD);

  /** {@code anynonarray}, OID 2776. */
  public static final PgType.Pseudo ANYNONARRAY = pseudo(2776, "anynonarray");

  /** {@code txid_snapshot}, OID 2970. */
  public static final PgType.Base TXID_SNAPSHOT = base(2970, "txid_snapshot", ',');

  /** {@code txid_snapshot[]}, OID 2949. */
  public static final PgType.Array TXID_SNAPSHOT_ARRAY =
      array(2949, "_txid_snapshot", TXID_SNAPSHOT);

  /** {@code uuid}, OID 2950. */
  public static final PgType.Base UUID = base(2950, "uuid", ',');

  /** {@code uuid[]}, OID 2951. */
  public static final PgType.Array UUID_ARRAY = array(2951, "_uuid", UUID);

  /** {@code fdw_handler}, OID 3115. */
  public static final PgType.Pseudo FDW_HANDLER = pseudo(3115, "fdw_handler");

  /** {@code pg_lsn}, OID 3220. */
  public static final PgType.Base PG_LSN = base(3220, "pg_lsn", ',');

  /** {@code pg_lsn[]}, OID 3221. */
  public static final PgType.Array PG_LSN_ARRAY = array(3221, "_pg_lsn", PG_LSN);

  /** {@code tsm_handler}, OID 3310. */
  public static final PgType.Pseudo TSM_HANDLER = pseudo(3310, "tsm_handler");

  /** {@code pg_ndistinct}, OID 3361. */
  public static final PgType.Base PG_NDISTINCT = base(3361, "pg_ndistinct", ',');

  /** {@code pg_dependencies}, OID 3402. */
  public static final PgType.Base PG_DEPENDENCIES = base(3402, "pg_dependencies", ',');

  /** {@code anyenum}, OID 3500. */
  public static final PgType.Pseudo ANYENUM = pseudo(3500, "anyenum");

  /** {@code tsvector}, OID 3614. */
  public static final PgType.Base TSVECTOR = base(3614, "tsvector", ',');

  /** {@code tsquery}, OID 3615. */
  public static final PgType.Base TSQUERY = base(3615, "tsquery", ',');

  /** {@code gtsvector}, OID 3642. */
  public static final PgType.Base GTSVECTOR = base(3642, "gtsvector", ',');

  /** {@code tsvector[]}, OID 3643. */
  public static final PgType.Array TSVECTOR_ARRAY = array(3643, "_tsvector", TSVECTOR);

  /** {@code gtsvector[]}, OID 3644. */
  public static final PgType.Array GTSVECTOR_ARRAY = array(3644, "_gtsvector", GTSVECTOR);

  /** {@code tsquery[]}, OID 3645. */
  public static final PgType.Array TSQUERY_ARRAY = array(3645, "_tsquery", TSQUERY);

  /** {@code regconfig}, OID 3734. */
  public static final PgType.Base REGCONFIG = base(3734, "regconfig", ',');

  /** {@code regconfig[]}, OID 3735. */
  public static final PgType.Array REGCONFIG_ARRAY = array(3735, "_regconfig", REGCONFIG);

  /** {@code regdictionary}, OID 3769. */
  public static final PgType.Base REGDICTIONARY = base(3769, "regdictionary", ',');

  /** {@code regdictionary[]}, OID 3770. */
  public static final PgType.Array REGDICTIONARY_ARRAY =
      array(3770, "_regdictionary", REGDICTIONARY);

  /** {@code jsonb}, OID 3802. */
  public static final PgType.Base JSONB = base(3802, "jsonb", ',');

  /** {@code jsonb[]}, OID 3807. */
  public static final PgType.Array JSONB_ARRAY = array(3807, "_jsonb", JSONB);

  /** {@code anyrange}, OID 3831. */
  public static final PgType.Pseudo ANYRANGE = pseudo(3831, "anyrange");

  /** {@code event_trigger}, OID 3838. */
  public static final PgType.Pseudo EVENT_TRIGGER = pseudo(3838, "event_trigger");

  /** {@code int4range}, OID 3904. */
  public static final PgType.Range INT4RANGE = range(3904, "int4range", INT4);

  /** {@code int4range[]}, OID 3905. */
  public static final PgType.Array INT4RANGE_ARRAY = array(3905, "_int4range", INT4RANGE);

  /** {@code numrange}, OID 3906. */
  public static final PgType.Range NUMRANGE = range(3906, "numrange", NUMERIC);

  /** {@code numrange[]}, OID 3907. */
  public static final PgType.Array NUMRANGE_ARRAY = array(3907, "_numrange", NUMRANGE);

  /** {@code tsrange}, OID 3908. */
  public static final PgType.Range TSRANGE = range(3908, "tsrange", TIMESTAMP);

  /** {@code tsrange[]}, OID 3909. */
  public static final PgType.Array TSRANGE_ARRAY = array(3909, "_tsrange", TSRANGE);

  /** {@code tstzrange}, OID 3910. */
  public static final PgType.Range TSTZRANGE = range(3910, "tstzrange", TIMESTAMPTZ);

  /** {@code tstzrange[]}, OID 3911. */
  public static final PgType.Array TSTZRANGE_ARRAY = array(3911, "_tstzrange", TSTZRANGE);

  /** {@code daterange}, OID 3912. */
  public static final PgType.Range DATERANGE = range(3912, "daterange", DATE);

  /** {@code daterange[]}, OID 3913. */
  public static final PgType.Array DATERANGE_ARRAY = array(3913, "_daterange", DATERANGE);

  /** {@code int8range}, OID 3926. */
  public static final PgType.Range INT8RANGE = range(3926, "int8range", INT8);

  /** {@code int8range[]}, OID 3927. */
  public static final PgType.Array INT8RANGE_ARRAY = array(3927, "_int8range", INT8RANGE);

  /** {@code jsonpath}, OID 4072. */
  public static final PgType.Base JSONPATH = base(4072, "jsonpath", ',');

  /** {@code jsonpath[]}, OID 4073. */
  public static final PgType.Array JSONPATH_ARRAY = array(4073, "_jsonpath", JSONPATH);

  /** {@code regnamespace}, OID 4089. */
  public static final PgType.Base REGNAMESPACE = base(4089, "regnamespace", ',');

  /** {@code regnamespace[]}, OID 4090. */
  public static final PgType.Array REGNAMESPACE_ARRAY = array(4090, "_regnamespace", REGNAMESPACE);

  /** {@code regrole}, OID 4096. */
  public static final PgType.Base REGROLE = base(4096, "regrole", ',');

  /** {@code regrole[]}, OID 4097. */
  public static final PgType.Array REGROLE_ARRAY = array(4097, "_regrole", REGROLE);

  /** {@code regcollation}, OID 4191. */
  public static final PgType.Base REGCOLLATION = base(4191, "regcollation", ',');

  /** {@code regcollation[]}, OID 4192. */
  public static final PgType.Array REGCOLLATION_ARRAY = array(4192, "_regcollation", REGCOLLATION);

  /** {@code int4multirange}, OID 4451. */
  public static final PgType.Multirange INT4MULTIRANGE =
      multirange(4451, "int4multirange", INT4RANGE);

  /** {@code nummultirange}, OID 4532. */
  public static final PgType.Multirange NUMMULTIRANGE = multirange(4532, "nummultirange", NUMRANGE);

  /** {@code tsmultirange}, OID 4533. */
  public static final PgType.Multirange TSMULTIRANGE = multirange(4533, "tsmultirange", TSRANGE);

  /** {@code tstzmultirange}, OID 4534. */
  public static final PgType.Multirange TSTZMULTIRANGE =
      multirange(4534, "tstzmultirange", TSTZRANGE);

  /** {@code datemultirange}, OID 4535. */
  public static final PgType.Multirange DATEMULTIRANGE =
      multirange(4535, "datemultirange", DATERANGE);

  /** {@code int8multirange}, OID 4536. */
  public static final PgType.Multirange INT8MULTIRANGE =
      multirange(4536, "int8multirange", INT8RANGE);

  /** {@code anymultirange}, OID 4537. */
  public static final PgType.Pseudo ANYMULTIRANGE = pseudo(4537, "anymultirange");

  /** {@code anycompatiblemultirange}, OID 4538. */
  public static final PgType.Pseudo ANYCOMPATIBLEMULTIRANGE =
      pseudo(4538, "anycompatiblemultirange");

  /** {@code pg_brin_bloom_summary}, OID 4600. */
  public static final PgType.Base PG_BRIN_BLOOM_SUMMARY = base(4600, "pg_brin_bloom_summary", ',');

  /** {@code pg_brin_minmax_multi_summary}, OID 4601. */
  public static final PgType.Base PG_BRIN_MINMAX_MULTI_SUMMARY =
      base(4601, "pg_brin_minmax_multi_summary", ',');

  /** {@code pg_mcv_list}, OID 5017. */
  public static final PgType.Base PG_MCV_LIST = base(5017, "pg_mcv_list", ',');

  /** {@code pg_snapshot}, OID 5038. */
  public static final PgType.Base PG_SNAPSHOT = base(5038, "pg_snapshot", ',');

  /** {@code pg_snapshot[]}, OID 5039. */
  public static final PgType.Array PG_SNAPSHOT_ARRAY = array(5039, "_pg_snapshot", PG_SNAPSHOT);

  /** {@code anycompatible}, OID 5077. */
  public static final PgType.Pseudo ANYCOMPATIBLE = pseudo(5077, "anycompatible");

  /** {@code anycompatiblearray}, OID 5078. */
  public static final PgType.Pseudo ANYCOMPATIBLEARRAY = pseudo(5078, "anycompatiblearray");

  /** {@code anycompatiblenonarray}, OID 5079. */
  public static final PgType.Pseudo ANYCOMPATIBLENONARRAY = pseudo(5079, "anycompatiblenonarray");

  /** {@code anycompatiblerange}, OID 5080. */
  public static final PgType.Pseudo ANYCOMPATIBLERANGE = pseudo(5080, "anycompatiblerange");

  /** {@code int4multirange[]}, OID 6150. */
  public static final PgType.Array INT4MULTIRANGE_ARRAY =
      array(6150, "_int4multirange", INT4MULTIRANGE);

  /** {@code nummultirange[]}, OID 6151. */
  public static final PgType.Array NUMMULTIRANGE_ARRAY =
      array(6151, "_nummultirange", NUMMULTIRANGE);

  /** {@code tsmultirange[]}, OID 6152. */
  public static final PgType.Array TSMULTIRANGE_ARRAY = array(6152, "_tsmultirange", TSMULTIRANGE);

  /** {@code tstzmultirange[]}, OID 6153. */
  public static final PgType.Array TSTZMULTIRANGE_ARRAY =
      array(6153, "_tstzmultirange", TSTZMULTIRANGE);

  /** {@code datemultirange[]}, OID 6155. */
  public static final PgType.Array DATEMULTIRANGE_ARRAY =
      array(6155, "_datemultirange", DATEMULTIRANGE);

  /** {@code int8multirange[]}, OID 6157. */
  public static final PgType.Array INT8MULTIRANGE_ARRAY =
      array(6157, "_int8multirange", INT8MULTIRANGE);

  // End of what is generated.

  private BuiltinTypes() {}

  /**
   * The type with an OID.
   *
   * @param oid the OID, unsigned
   * @return the type, or null if it is not built in
   */
  public static @Nullable PgType byOid(int oid) {
    return oid >= 0 && oid < TABLE_SIZE ? BY_OID[oid] : null;
  }

  /**
   * The type with a name.
   *
   * @param name the name as pg_type has it, {@code _int4} for an array; {@code int4[]} will do too,
   *     and so will the SQL standard's names in any case, {@code double precision}. {@code char} is
   *     the type of one byte; the standard's is {@code character}, or {@code bpchar}
   * @return the type, or null if it is not built in
   */
  public static @Nullable PgType byName(String name) {
    PgType type = BY_NAME.get(name);
    String standard = STANDARD_NAMES.get(name.toLowerCase(Locale.ROOT));
    return type != null || standard == null ? type : BY_NAME.get(standard);
  }

  /**
   * All of them.
   *
   * @return an unmodifiable collection, each type after those it depends on
   */
  public static Collection<PgType> all() {
    return Collections.unmodifiableList(ALL);
  }

  private static PgType.Base base(int oid, String name, char delimiter) {
    return known(new PgType.Base(oid, "pg_catalog", name, delimiter));
  }

  private static PgType.Pseudo pseudo(int oid, String name) {
    return known(new PgType.Pseudo(oid, "pg_catalog", name));
  }

  private static PgType.Array array(int oid, String name, PgType element) {
    return known(new PgType.Array(oid, "pg_catalog", name, element));
  }

  private static PgType.Range range(int oid, String name, PgType subtype) {
    return known(new PgType.Range(oid, "pg_catalog", name, subtype));
  }

  private static PgType.Multirange multirange(int oid, String name, PgType.Range range) {
    return known(new PgType.Multirange(oid, "pg_catalog", name, range));
  }

  private static <T extends PgType> T known(T type) {
    BY_OID[type.oid()] = type;
    BY_NAME.put(type.name(), type);
    BY_NAME.putIfAbsent(type.displayName(), type);
    ALL.add(type);
    return type;
  }
}
