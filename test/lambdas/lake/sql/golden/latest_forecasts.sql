SELECT location_id, issued_at, base_hour, target_hour, probability, will_rain, threshold, model_version, persistence_probability, plain_probability, joined_probability, voice, provider_probability, provider_precip_mm, provider_recalibrated, dt
FROM (
  SELECT *, row_number() OVER (PARTITION BY location_id ORDER BY target_hour DESC) AS recency
  FROM "garoa"."forecasts"
)
WHERE recency = 1
