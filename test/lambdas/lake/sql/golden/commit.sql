CREATE TABLE "garoa"."staging_hourly_20261123t1105_0123456789ab_1"
WITH (
  format = 'PARQUET',
  write_compression = 'SNAPPY',
  partitioned_by = ARRAY['dt'],
  bucketed_by = ARRAY['location_id'],
  bucket_count = 1
)
AS
WITH lines AS (
  SELECT location_id, observed_at, ingested_at, source, kind, temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code
  FROM "garoa"."observations"
  WHERE dt BETWEEN '2026-11-22' AND '2026-11-23'
  UNION ALL
  SELECT location_id, observed_at, ingested_at, source, kind, temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code
  FROM "garoa"."observations"
  WHERE dt = '2026-11-24' AND hour = '00'
),
ranked AS (
  SELECT *,
    substr(observed_at, 1, 13) AS hour_text,
    row_number() OVER (
      PARTITION BY location_id, observed_at
      ORDER BY CASE WHEN kind = 'history' THEN 0 ELSE 1 END, ingested_at DESC, source,
        temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code
    ) AS precedence
  FROM lines
  WHERE observed_at >= '2026-11-22T00:00:00Z' AND observed_at < '2026-11-23T11:00:00Z'
),
readings AS (
  SELECT *,
    CASE WHEN wind_kph = 0 THEN 0e0 ELSE -wind_kph * sin(radians(wind_degree)) END AS wind_u_kph,
    CASE WHEN wind_kph = 0 THEN 0e0 ELSE -wind_kph * cos(radians(wind_degree)) END AS wind_v_kph,
    max(CASE WHEN kind = 'history' THEN 1 ELSE 0 END) OVER (PARTITION BY location_id, hour_text) AS has_history
  FROM ranked
  WHERE precedence = 1
),
counted AS (
  SELECT *,
    CASE WHEN abs(temp_c) < 1e12 THEN CAST(round(temp_c * 1000) AS bigint) END AS temp_c_units,
    CASE WHEN abs(dewpoint_c) < 1e12 THEN CAST(round(dewpoint_c * 1000) AS bigint) END AS dewpoint_c_units,
    CASE WHEN abs(humidity_pct) < 1e12 THEN CAST(round(humidity_pct * 1000) AS bigint) END AS humidity_pct_units,
    CASE WHEN abs(wind_u_kph) < 1e12 THEN CAST(round(wind_u_kph * 1000) AS bigint) END AS wind_u_kph_units,
    CASE WHEN abs(wind_v_kph) < 1e12 THEN CAST(round(wind_v_kph * 1000) AS bigint) END AS wind_v_kph_units,
    CASE WHEN abs(cloud_pct) < 1e12 THEN CAST(round(cloud_pct * 1000) AS bigint) END AS cloud_pct_units
  FROM readings
  WHERE has_history = 0 OR kind = 'history'
)
SELECT location_id,
  CAST(replace(hour_text, 'T', ' ') || ':00:00' AS timestamp) AS hour,
  count(*) AS observation_count,
  CAST(sum(temp_c_units) AS double) / CAST(count(temp_c_units) * 1000 AS double) AS temp_c,
  CAST(sum(dewpoint_c_units) AS double) / CAST(count(dewpoint_c_units) * 1000 AS double) AS dewpoint_c,
  CAST(sum(humidity_pct_units) AS double) / CAST(count(humidity_pct_units) * 1000 AS double) AS humidity_pct,
  max_by(pressure_mb, observed_at) FILTER (WHERE pressure_mb IS NOT NULL) AS pressure_mb,
  CAST(sum(wind_u_kph_units) AS double) / CAST(count(wind_u_kph_units) * 1000 AS double) AS wind_u_kph,
  CAST(sum(wind_v_kph_units) AS double) / CAST(count(wind_v_kph_units) * 1000 AS double) AS wind_v_kph,
  max(gust_kph) AS gust_kph,
  max(precip_mm) AS precip_mm,
  max(precip_mm) >= 0.1e0 AS rained,
  CAST(sum(cloud_pct_units) AS double) / CAST(count(cloud_pct_units) * 1000 AS double) AS cloud_pct,
  min(visibility_km) AS visibility_km,
  max(uv) AS uv,
  CASE WHEN min(source) = max(source) THEN min(source) ELSE min(source) || '+' || max(source) END AS source,
  substr(hour_text, 1, 10) AS dt
FROM counted
GROUP BY location_id, hour_text
ORDER BY dt, location_id, hour
