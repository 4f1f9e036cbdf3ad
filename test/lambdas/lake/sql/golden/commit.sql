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
  SELECT location_id, observed_at, ingested_at, source, kind, temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code, forecast_hour, forecast_probability, forecast_precip_mm
  FROM "garoa"."observations"
  WHERE dt BETWEEN '2026-11-22' AND '2026-11-23'
  UNION ALL
  SELECT location_id, observed_at, ingested_at, source, kind, temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code, forecast_hour, forecast_probability, forecast_precip_mm
  FROM "garoa"."observations"
  WHERE dt = '2026-11-24' AND hour = '00'
),
statements AS (
  SELECT *,
    TRY_CAST(replace(substr(ingested_at, 1, 19), 'T', ' ') AS timestamp(3)) AS ingested,
    CASE WHEN says = 'next' THEN TRY_CAST(replace(substr(forecast_hour, 1, 13), 'T', ' ') || ':00:00' AS timestamp(3)) - INTERVAL '1' HOUR ELSE TRY_CAST(replace(substr(observed_at, 1, 13), 'T', ' ') || ':00:00' AS timestamp(3)) END AS hour
  FROM lines
  CROSS JOIN UNNEST(ARRAY['now', 'next']) AS parts (says)
  WHERE says = 'now' AND observed_at LIKE '____-__-__T__:__:__Z' AND observed_at >= '2026-11-22T00:00:00Z' AND observed_at < '2026-11-23T11:00:00Z'
      AND (kind <> 'listed' OR observed_at <= '2026-11-21T11:00:00Z')
    OR says = 'next' AND kind = 'current' AND forecast_hour > '2026-11-22T00:00:00Z'
      AND (forecast_probability IS NOT NULL OR forecast_precip_mm IS NOT NULL)
),
judged AS (
  SELECT location_id, hour, observed_at, ingested, source, forecast_probability, forecast_precip_mm,
    CASE WHEN abs(temp_c) < 1e12 THEN temp_c END AS temp_c,
    CASE WHEN abs(dewpoint_c) < 1e12 THEN dewpoint_c END AS dewpoint_c,
    CASE WHEN abs(humidity_pct) < 1e12 THEN humidity_pct END AS humidity_pct,
    CASE WHEN abs(pressure_mb) < 1e12 THEN pressure_mb END AS pressure_mb,
    CASE WHEN abs(gust_kph) < 1e12 THEN gust_kph END AS gust_kph,
    CASE WHEN abs(precip_mm) < 1e12 THEN precip_mm END AS precip_mm,
    CASE WHEN abs(cloud_pct) < 1e12 THEN cloud_pct END AS cloud_pct,
    CASE WHEN abs(visibility_km) < 1e12 THEN visibility_km END AS visibility_km,
    CASE WHEN abs(uv) < 1e12 THEN uv END AS uv,
    CASE WHEN wind_kph = 0 THEN 0e0 WHEN abs(wind_kph) < 1e12 THEN round(-wind_kph * sin(radians(wind_degree)) * 1000e0) / 1000e0 + 0e0 END AS wind_u_kph,
    CASE WHEN wind_kph = 0 THEN 0e0 WHEN abs(wind_kph) < 1e12 THEN round(-wind_kph * cos(radians(wind_degree)) * 1000e0) / 1000e0 + 0e0 END AS wind_v_kph,
    kind, says,
    says = 'now' AND kind = 'current' AS is_poll,
    says = 'now' AND kind = 'history' AS is_history,
    kind = 'current' AND ingested < hour + INTERVAL '64' MINUTE AS is_timely,
    kind = 'history' AND ingested >= hour + INTERVAL '48' HOUR AS is_settled,
    substr(observed_at, 15, 2) AS minute,
    row_number() OVER (
      PARTITION BY location_id, hour
      ORDER BY CASE WHEN says = 'now' AND kind = 'current' THEN observed_at ELSE ingested_at END, ingested_at,
        observed_at, source, temp_c, dewpoint_c, humidity_pct, pressure_mb, wind_kph, wind_degree, gust_kph, precip_mm, cloud_pct, visibility_km, uv, condition_code, forecast_probability, forecast_precip_mm
    ) AS place
  FROM statements
),
hours AS (
  SELECT location_id, hour,
    count(DISTINCT CASE WHEN says = 'now' THEN kind || observed_at END) AS observation_count,
    CASE WHEN bool_or(is_history) THEN 60
      ELSE 15 * count(DISTINCT CASE WHEN is_poll THEN CASE WHEN minute < '15' THEN 1 WHEN minute < '30' THEN 2 WHEN minute < '45' THEN 3 ELSE 4 END END)
    END AS covered_minutes,
    CASE WHEN min(source) FILTER (WHERE says = 'now') = max(source) FILTER (WHERE says = 'now') THEN min(source) FILTER (WHERE says = 'now') ELSE min(source) FILTER (WHERE says = 'now') || '+' || max(source) FILTER (WHERE says = 'now') END AS source,
    bool_or(is_history) AS has_history,
    max_by(temp_c, place) FILTER (WHERE is_poll AND is_timely AND temp_c IS NOT NULL) AS polled_temp_c,
    max_by(dewpoint_c, place) FILTER (WHERE is_poll AND is_timely AND dewpoint_c IS NOT NULL) AS polled_dewpoint_c,
    max_by(humidity_pct, place) FILTER (WHERE is_poll AND is_timely AND humidity_pct IS NOT NULL) AS polled_humidity_pct,
    max_by(pressure_mb, place) FILTER (WHERE is_poll AND is_timely AND pressure_mb IS NOT NULL) AS polled_pressure_mb,
    max_by(wind_u_kph, place) FILTER (WHERE is_poll AND is_timely AND wind_u_kph IS NOT NULL) AS polled_wind_u_kph,
    max_by(wind_v_kph, place) FILTER (WHERE is_poll AND is_timely AND wind_v_kph IS NOT NULL) AS polled_wind_v_kph,
    max_by(gust_kph, place) FILTER (WHERE is_poll AND is_timely AND gust_kph IS NOT NULL) AS polled_gust_kph,
    max_by(cloud_pct, place) FILTER (WHERE is_poll AND is_timely AND cloud_pct IS NOT NULL) AS polled_cloud_pct,
    max_by(visibility_km, place) FILTER (WHERE is_poll AND is_timely AND visibility_km IS NOT NULL) AS polled_visibility_km,
    max_by(uv, place) FILTER (WHERE is_poll AND is_timely AND uv IS NOT NULL) AS polled_uv,
    max_by(precip_mm, place) FILTER (WHERE is_poll AND is_timely AND precip_mm IS NOT NULL) AS polled_precip_mm,
    max_by(temp_c, place) FILTER (WHERE is_history AND temp_c IS NOT NULL) AS history_temp_c,
    max_by(dewpoint_c, place) FILTER (WHERE is_history AND dewpoint_c IS NOT NULL) AS history_dewpoint_c,
    max_by(humidity_pct, place) FILTER (WHERE is_history AND humidity_pct IS NOT NULL) AS history_humidity_pct,
    max_by(pressure_mb, place) FILTER (WHERE is_history AND pressure_mb IS NOT NULL) AS history_pressure_mb,
    max_by(wind_u_kph, place) FILTER (WHERE is_history AND wind_u_kph IS NOT NULL) AS history_wind_u_kph,
    max_by(wind_v_kph, place) FILTER (WHERE is_history AND wind_v_kph IS NOT NULL) AS history_wind_v_kph,
    max_by(gust_kph, place) FILTER (WHERE is_history AND gust_kph IS NOT NULL) AS history_gust_kph,
    max_by(cloud_pct, place) FILTER (WHERE is_history AND cloud_pct IS NOT NULL) AS history_cloud_pct,
    max_by(visibility_km, place) FILTER (WHERE is_history AND visibility_km IS NOT NULL) AS history_visibility_km,
    max_by(uv, place) FILTER (WHERE is_history AND uv IS NOT NULL) AS history_uv,
    max_by(precip_mm, place) FILTER (WHERE is_history AND precip_mm IS NOT NULL) AS history_precip_mm,
    max_by(precip_mm, place) FILTER (WHERE is_poll AND minute >= '45' AND precip_mm IS NOT NULL) AS closing_precip_mm,
    max_by(precip_mm, place) FILTER (WHERE kind = 'listed' AND precip_mm IS NOT NULL) AS listed_precip_mm,
    max_by(precip_mm, place) FILTER (WHERE is_settled AND precip_mm IS NOT NULL) AS settled_precip_mm,
    max_by(ingested, place) FILTER (WHERE is_settled AND precip_mm IS NOT NULL) AS settled_at,
    max_by(forecast_probability, place) FILTER (WHERE says = 'next' AND is_timely) AS provider_probability,
    max_by(forecast_precip_mm, place) FILTER (WHERE says = 'next' AND is_timely) AS provider_precip_mm,
    max_by(ingested, place) FILTER (WHERE says = 'next' AND is_timely) AS provider_issued_at
  FROM judged
  WHERE hour < CAST('2026-11-23 11:00:00' AS timestamp(3))
  GROUP BY location_id, hour
  HAVING bool_or(says = 'now')
),
told AS (
  SELECT *,
    has_history AND (polled_temp_c IS NULL OR polled_precip_mm IS NULL) AS is_known_from_history
  FROM hours
)
SELECT location_id, hour,
  CAST(CASE WHEN is_known_from_history THEN 'settled' WHEN settled_at IS NOT NULL THEN 'both' WHEN listed_precip_mm IS NOT NULL THEN 'listed' ELSE 'polled' END AS varchar) AS kind,
  observation_count, covered_minutes, settled_at, source,
  0.1e0 AS rain_threshold_mm,
  CASE WHEN is_known_from_history THEN history_temp_c ELSE polled_temp_c END AS temp_c,
  CASE WHEN is_known_from_history THEN history_dewpoint_c ELSE polled_dewpoint_c END AS dewpoint_c,
  CASE WHEN is_known_from_history THEN history_humidity_pct ELSE polled_humidity_pct END AS humidity_pct,
  CASE WHEN is_known_from_history THEN history_pressure_mb ELSE polled_pressure_mb END AS pressure_mb,
  CASE WHEN is_known_from_history THEN history_wind_u_kph ELSE polled_wind_u_kph END AS wind_u_kph,
  CASE WHEN is_known_from_history THEN history_wind_v_kph ELSE polled_wind_v_kph END AS wind_v_kph,
  CASE WHEN is_known_from_history THEN history_gust_kph ELSE polled_gust_kph END AS gust_kph,
  CASE WHEN is_known_from_history THEN history_cloud_pct ELSE polled_cloud_pct END AS cloud_pct,
  CASE WHEN is_known_from_history THEN history_visibility_km ELSE polled_visibility_km END AS visibility_km,
  CASE WHEN is_known_from_history THEN history_uv ELSE polled_uv END AS uv,
  CASE WHEN is_known_from_history THEN history_precip_mm ELSE polled_precip_mm END AS known_precip_mm,
  CASE WHEN is_known_from_history THEN history_precip_mm ELSE polled_precip_mm END >= 0.1e0 AS known_rained,
  provider_probability, provider_precip_mm, provider_issued_at,
  coalesce(settled_precip_mm, listed_precip_mm, closing_precip_mm, history_precip_mm) AS precip_mm,
  coalesce(settled_precip_mm, listed_precip_mm, closing_precip_mm, history_precip_mm) >= 0.1e0 AS rained,
  substr(CAST(hour AS varchar), 1, 10) AS dt
FROM told
ORDER BY dt, location_id, hour
